"""The pure rules: graph, plan, rounds and gates, cache keys, what may run next.

Facts (events) go in, decisions come out; nothing here reads a clock, a file or a process. The
runner journals each fact and each decision, so the same journal always rebuilds the same state.
"""
