"""The declaration of `targets`: where stages run, and what their pods get there.

Used by `mltui.spec.document`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mltui.spec import scalars
from mltui.spec.fields import Field, Keys, Listed, Mapped, Object
from mltui.spec.model import ClusterStore, Pods, Target, Toleration

ENGINES = ("process", "docker", "kubernetes")
TARGET_FIELDS: Mapping[str, tuple[str, ...]] = {
    "host": ("docker",),
    "context": ("kubernetes",),
    "namespace": ("kubernetes",),
    "registry": ("docker", "kubernetes"),
    "pods": ("kubernetes",),
    "store": ("kubernetes",),
}
"""Fields of a target that only some engines have."""

Values = Mapping[str, Any]


def make_target(name: str, v: Values) -> Target:
    """Nothing is read-only unless said."""
    return Target(
        name,
        v.get("engine", "process"),
        v.get("host"),
        v.get("context"),
        v.get("namespace"),
        v.get("registry"),
        v.get("read_only", False),
        v.get("production", False),
        v.get("pods", Pods()),
        v.get("store", ClusterStore()),
    )


def make_toleration(name: str, v: Values) -> Toleration:
    """Empty fields fit any taint."""
    return Toleration(v.get("key", ""), v.get("value", ""), v.get("effect", ""), v.get("seconds"))


def make_pods(name: str, v: Values) -> Pods:
    """As the cluster has it where nothing is said."""
    plain = Pods()
    return Pods(
        v.get("node_selector", {}),
        v.get("tolerations", ()),
        v.get("gpu", plain.gpu),
        v.get("service_account", ""),
        v.get("pull_secrets", ()),
        v.get("patience", plain.patience_s),
    )


def make_store(name: str, v: Values) -> ClusterStore:
    """10 GiB of the default class unless said."""
    return ClusterStore(v.get("size", ClusterStore().size_bytes), v.get("class", ""))


_LABEL_NAME = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_LABEL_VALUE = r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?"
_OBJECT_NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"


def _label_problem(name: str) -> str:
    return "" if re.fullmatch(_LABEL_NAME, name) else "is not the name of a label"


TOLERATION = Object(
    "toleration",
    "A taint of nodes that stages put up with.",
    (
        Field("key", scalars.text("the key of a taint", _LABEL_NAME), "The taint's key.", "gpu"),
        Field(
            "value",
            scalars.text("the value of a taint", _LABEL_VALUE, also_numbers=True),
            "The taint's value; any without.",
            "a100",
        ),
        Field(
            "effect",
            scalars.choice(("NoSchedule", "PreferNoSchedule", "NoExecute")),
            "The taint's effect; any without.",
            "NoSchedule",
        ),
        Field(
            "seconds",
            scalars.integer(0, 10**6),
            "How long a pod stays once such a taint appears; only with `NoExecute`.",
            60,
        ),
    ),
    make_toleration,
)
PODS = Object(
    "pods",
    "What every stage's pod gets.",
    (
        Field(
            "node_selector",
            Mapped(
                Keys(_LABEL_NAME, _label_problem),
                scalars.text("the value of a label", _LABEL_VALUE, also_numbers=True),
                "a mapping of labels to values",
            ),
            "Labels that a node must have.",
            {"accelerator": "a100"},
            also=("nodeSelector", "nodes"),
        ),
        Field(
            "tolerations",
            Listed(TOLERATION, "a list of tolerations"),
            "Taints that stages put up with.",
            [{"key": "gpu", "effect": "NoSchedule"}],
        ),
        Field(
            "gpu",
            scalars.text("the name of a resource", _LABEL_NAME),
            "The resource that `gpu` under `resources` asks for.",
            "nvidia.com/gpu",
        ),
        Field(
            "service_account",
            scalars.text("the name of a service account", _OBJECT_NAME),
            "The service account that pods run as.",
            "training",
            also=("serviceAccountName", "serviceAccount"),
        ),
        Field(
            "pull_secrets",
            Listed(scalars.text("the name of a Secret", _OBJECT_NAME), "a list of Secrets"),
            "Secrets with logins for registries.",
            ["registry-login"],
            also=("imagePullSecrets",),
        ),
        Field(
            "patience",
            scalars.duration(),
            "How long a stage may wait for a node, a quota or an image before it fails.",
            "5m",
        ),
    ),
    make_pods,
)
CLUSTER_STORE = Object(
    "cluster store",
    "The claim that artifacts of this namespace are kept in; made once.",
    (
        Field("size", scalars.size(), "How much it holds.", "10Gi"),
        Field(
            "class",
            scalars.text("the name of a storage class", _OBJECT_NAME),
            "Its storage class, if not the cluster's default.",
            "fast",
            also=("storageClassName", "storage_class"),
        ),
    ),
    make_store,
)
TARGET = Object(
    "target",
    "A named place to run.",
    (
        Field(
            "engine",
            scalars.choice(ENGINES),
            "What runs the stages.",
            "kubernetes",
            required=True,
            also=("type", "kind", "driver"),
        ),
        Field(
            "host",
            scalars.text(
                "a Docker host such as `ssh://me@build-7`", r"(unix|ssh|tcp|https?|npipe)://\S+"
            ),
            "The Docker host (docker); without one, your own Docker settings.",
            "ssh://me@build-7",
        ),
        Field("context", scalars.text("text"), "The kube-context (kubernetes).", "kind"),
        Field(
            "namespace",
            scalars.text(
                "a namespace: lower-case letters, digits and `-`",
                "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            ),
            "The namespace (kubernetes).",
            "digits-dev",
        ),
        Field(
            "registry",
            scalars.text(
                "a registry such as `localhost:5000`",
                r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
            ),
            "Where images are pushed (docker, kubernetes).",
            "localhost:5000",
        ),
        Field("read_only", scalars.boolean(), "Refuses every change made from mltui.", True),
        Field("production", scalars.boolean(), "Asks again before every change.", True),
        Field(
            "pods",
            PODS,
            "What every stage's pod gets (kubernetes).",
            {"node_selector": {"accelerator": "a100"}},
        ),
        Field("store", CLUSTER_STORE, "Where artifacts are kept (kubernetes).", {"size": "10Gi"}),
    ),
    make_target,
)
