"""The same things as on screen, without a screen: tables, JSON, exit codes.

One command a file in `commands/`, imported only when it is the one asked for. `output` owns stdout,
`diagnostics` owns stderr and the exit codes.
"""
