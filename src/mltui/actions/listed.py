"""Names of the lists, for whoever needs nothing else of `action`: it begins before the screen."""

from __future__ import annotations

DOCKER = ("containers", "images", "volumes", "networks", "compose")
"""Lists of what is on a Docker host (`live.kinds`)."""
KUBE = (
    "pods", "deployments", "jobs", "events", "services", "nodes", "statefulsets", "daemonsets",
    "replicasets", "cronjobs", "endpoints", "ingresses", "configmaps", "secrets",
    "persistentvolumeclaims", "horizontalpodautoscalers", "serviceaccounts", "roles", "namespaces",
    "contexts", "forwards", "resources", "tree",
)  # fmt: skip
"""Lists of a Kubernetes API; `resources` is any that has no columns of its own."""
