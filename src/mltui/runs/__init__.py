"""Runs that outlive the terminal: the journal, the artifact store, the runner, requests to it.

The runner is the only writer of a run's events; the app and the CLI read the journal and leave
requests in it.
"""
