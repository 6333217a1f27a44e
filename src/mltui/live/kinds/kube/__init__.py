"""Kinds of a Kubernetes API that have columns of their own; one file each, one `KIND` in it.

Modules whose names begin with `_` hold what they share. Any other resource is listed in the
server's own table form (`live.kube.anykind`).
"""
