"""Services and monitors: what is wanted of them, and the supervisor that sees to it.

Above `runs` (artifacts, environments, runs to start) and below `actions`. The CLI and the screens
use `client` and `readings`; the rest belongs to the supervisor's process.
"""
