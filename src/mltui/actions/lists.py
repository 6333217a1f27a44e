"""Lists in place of the pipeline: what is on the Docker host or a cluster, and the builds."""

from __future__ import annotations

from collections.abc import Sequence

from mltui.actions import deploy
from mltui.actions.action import Action, Known
from mltui.actions.context import Context
from mltui.actions.selection import EVERYWHERE


def _places(known: Known) -> Sequence[str]:
    return known.place_names


_OTHERWISE = {"deploy": "The same as `:deployments`; with a service's name, deploy that service."}


def _list(
    kind: str,
    title: str,
    help: str,  # noqa: A002 - the record's own word
    *other: str,
    group: str = "Docker",
    key: str = "",
) -> tuple[Action, ...]:
    """One record a name, so that each can be typed."""

    async def run(context: Context, argument: str) -> None:
        word, _, rest = argument.partition(" ")
        if kind == "deployments" and word in context.selection.services:
            await deploy.deploy(context, word, rest)  # as `mltui deploy classifier` reads
        elif argument and group == "Kubernetes":
            context.go_places(argument, kind)
        else:
            context.show_list(kind)

    return tuple(
        Action(
            id=f"list.{name}",
            title=title if name == kind or group != "Docker" else f"{title} ({name})",
            help=help if name == kind else _OTHERWISE.get(name, f"The same as `:{kind}`."),
            group=group,
            argument="NAMESPACES" if group == "Kubernetes" else "",
            run=run,
            command=name,
            keys=(key,) if key and name == kind else (),
            places=EVERYWHERE,
            on_footer=False,
            rank=60,
            complete=_places if group == "Kubernetes" else None,
        )
        for name in (kind, *other)
    )


async def _cluster(context: Context, argument: str) -> None:
    context.show_list(CLUSTER)


CLUSTER = "cluster"
"""The list of Kubernetes that was looked at last; pods at first."""


def _kube(kind: str, title: str, help: str, *other: str) -> tuple[Action, ...]:  # noqa: A002
    return _list(kind, title, help, *other, group="Kubernetes")


KUBE_LISTS = (
    Action(
        id="list.cluster",
        title="Cluster",
        help="The list of the cluster that you looked at last; pods at first.",
        group="Kubernetes",
        run=_cluster,
        keys=("K",),
        command=CLUSTER,
        places=EVERYWHERE,
        on_footer=False,
        rank=60,
    ),
    *_kube("pods", "Pods", "Every pod of the namespaces you look at, live.", "po"),
    *_kube("deployments", "Deployments", "What keeps pods running, and how far.", "deploy", "dp"),
    *_kube("jobs", "Jobs", "Work that ends; a stage on a cluster is one."),
    *_kube("events", "Events", "What the cluster did, and what it could not do.", "ev"),
    *_kube("services", "Services", "Names and addresses before pods.", "svc"),
    *_kube("nodes", "Nodes", "The machines, with what is used of them.", "no"),
    *_kube("statefulsets", "StatefulSets", "Pods with names and volumes of their own.", "sts"),
    *_kube("daemonsets", "DaemonSets", "One pod on every node.", "ds"),
    *_kube("replicasets", "ReplicaSets", "The revisions of Deployments.", "rs"),
    *_kube("cronjobs", "CronJobs", "Jobs by the clock.", "cj"),
    *_kube("endpoints", "Endpoints", "Whom each Service reaches.", "ep"),
    *_kube("ingresses", "Ingresses", "Names by which the outside reaches Services.", "ing"),
    *_kube("configmaps", "ConfigMaps", "Settings; secrets in them are masked.", "cm"),
    *_kube("secrets", "Secrets", "Names and keys; values only when asked for."),
    *_kube("persistentvolumeclaims", "Volume claims", "Storage that outlives pods.", "pvc"),
    *_kube("horizontalpodautoscalers", "Autoscalers", "What scales by itself.", "hpa"),
    *_kube("serviceaccounts", "Service accounts", "Who pods are.", "sa"),
    *_kube("roles", "Roles", "What a namespace lets its users do."),
)
LISTS = (
    *_list(
        "containers", "Containers", "Every container of the Docker host, live.", "ps", "co", key="C"
    ),
    *_list("images", "Images", "Its images, with who uses them and their sizes."),
    *_list("volumes", "Volumes", "Its volumes, with who mounts them."),
    *_list("networks", "Networks", "Its networks, with who is on them."),
    *_list("compose", "Compose", "Compose projects, by the containers they have."),
    *_list("builds", "Builds", "Builds of this project's environments; Enter shows the steps."),
)
