"""Where lists in place of the pipeline come from: a Docker host, Kubernetes, the builds.

`app.lists` shows them all in the same way; what differs is behind `source.Source`.
"""
