"""Kubernetes: contexts and credentials, the API over HTTP, lists and watches.

The official client costs 0.3 s and 35 MiB to import and blocks a thread for every watch. Requests
are mltui's own, on the event loop; what obtains credentials (exec plugins, OIDC, cloud providers)
is the official client's, in a process of its own (`credentials`).
"""
