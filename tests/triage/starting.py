"""Pods that do not begin: no node, no image, nothing of what they are to be given; refused ones."""

from __future__ import annotations

from .case import Case
from .objects import (
    PAUSE,
    affinity,
    asks,
    claim,
    config,
    container,
    deployment,
    key,
    pod,
    replicas,
    tls,
)


def starting(base: str, registry: str) -> dict[str, Case]:
    """What does not come to run, by its name."""
    return {
        "big-cpu": Case(
            (deployment("big-cpu", container(PAUSE, **asks(cpu="64"))),),
            "no node has the 64 CPUs that it asks for free; the largest node has 2 in all",
            "kube-scheduling",
        ),
        "big-memory": Case(
            (deployment("big-memory", container(PAUSE, **asks(memory="900Gi"))),),
            "no node has the 900 GiB of memory that it asks for free",
            "kube-scheduling",
        ),
        "gpu": Case(
            (deployment("gpu", container(PAUSE, resources={"limits": {"nvidia.com/gpu": 1}})),),
            "no node has enough nvidia.com/gpu free",
            "kube-scheduling",
        ),
        "selector": Case(
            (deployment("selector", container(PAUSE), nodeSelector={"disk": "fast"}),),
            "Deployment selector fits no node: no node has the labels",
            "kube-scheduling",
        ),
        "no-claim": Case(
            (
                pod(
                    "no-claim",
                    container(PAUSE),
                    volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}],
                ),
            ),
            "it needs the claim data, which is not found",
            "kube-scheduling",
        ),
        "no-image": Case(
            (deployment("no-image", container(f"{registry}/debian:v9")),),
            f"image {registry}/debian:v9 does not exist",
            "kube-image",
        ),
        "bad-name": Case(
            (deployment("bad-name", container("Debian::latest")),),
            "Debian::latest is no name of an image",
            "kube-image",
        ),
        "no-registry": Case(
            (deployment("no-registry", container("localhost:1/ml/base:1")),),
            "localhost:1 can't be reached for localhost:1/ml/base:1",
            "kube-image",
        ),
        "never": Case(
            (deployment("never", {**container("ml/absent:1"), "imagePullPolicy": "Never"}),),
            "image ml/absent:1 is not on the node",
            "kube-image",
        ),
        "no-config": Case(
            (
                deployment(
                    "no-config",
                    container(PAUSE, envFrom=[{"configMapRef": {"name": "settings"}}]),
                ),
            ),
            "needs ConfigMap settings, which is not in namespace",
            "kube-config",
        ),
        "no-secret": Case(
            (
                deployment(
                    "no-secret",
                    container(PAUSE, volumeMounts=[{"name": "s", "mountPath": "/s"}]),
                    volumes=[{"name": "s", "secret": {"secretName": "token"}}],
                ),
            ),
            "needs Secret token, which is not in namespace",
            "kube-config",
        ),
        "no-key": Case(
            (config("known"), deployment("no-key", container(PAUSE, **key("known", "url")))),
            "needs key url of ConfigMap known",
            "kube-config",
        ),
        "no-class": Case(
            (claim("no-class", storageClassName="testbedd"),),
            "there is no storage class testbedd: did you mean testbed?",
            "kube-volume",
        ),
        "no-account": Case(
            (deployment("no-account", container(PAUSE), serviceAccountName="robot"),),
            "there is no ServiceAccount robot",
            "kube-admission",
        ),
        "affinity": Case(
            (
                deployment(
                    "affinity",
                    container(PAUSE),
                    **affinity(
                        nodeAffinity={
                            "requiredDuringSchedulingIgnoredDuringExecution": {
                                "nodeSelectorTerms": [
                                    {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}
                                ]
                            }
                        }
                    ),
                ),
            ),
            "Deployment affinity fits no node: no node has the labels",
            "kube-scheduling",
        ),
        "apart": Case(
            (
                replicas(
                    deployment(
                        "apart",
                        container(PAUSE),
                        **affinity(
                            podAntiAffinity={
                                "requiredDuringSchedulingIgnoredDuringExecution": [
                                    {
                                        "labelSelector": {"matchLabels": {"app": "apart"}},
                                        "topologyKey": "kubernetes.io/hostname",
                                    }
                                ]
                            }
                        ),
                    ),
                    2,
                ),
            ),
            "its rules about other pods (affinity) leave no node",
            "kube-scheduling",
        ),
        "same-port": Case(
            (
                replicas(
                    deployment(
                        "same-port",
                        container(PAUSE, ports=[{"containerPort": 80, "hostPort": 28471}]),
                    ),
                    2,
                ),
            ),
            "the host port that it asks for is taken on every node",
            "kube-scheduling",
        ),
        "secret-key": Case(
            (
                tls("half"),
                deployment(
                    "secret-key",
                    container(
                        PAUSE,
                        env=[
                            {
                                "name": "X",
                                "valueFrom": {"secretKeyRef": {"name": "half", "key": "password"}},
                            }
                        ],
                    ),
                ),
            ),
            "needs key password of Secret half",
            "kube-config",
        ),
        "config-volume": Case(
            (
                deployment(
                    "config-volume",
                    container(PAUSE, volumeMounts=[{"name": "c", "mountPath": "/c"}]),
                    volumes=[{"name": "c", "configMap": {"name": "nginx-conf"}}],
                ),
            ),
            "needs ConfigMap nginx-conf, which is not in namespace",
            "kube-config",
        ),
        "init-image": Case(
            (
                deployment(
                    "init-image",
                    container(PAUSE),
                    initContainers=[
                        {
                            **container("ml/migrate:7"),
                            "name": "migrate",
                            "imagePullPolicy": "Never",
                        }
                    ],
                ),
            ),
            "image ml/migrate:7 is not on the node",
            "kube-image",
        ),
        "waits": Case(
            (
                deployment(
                    "waits",
                    container(PAUSE),
                    initContainers=[
                        {
                            **container(base, "sh", "-c", "while :; do echo no db; sleep 1; done"),
                            "name": "db",
                        }
                    ],
                ),
            ),
            "init container db does not end",
            "kube-init",
        ),
        "gold": Case(
            (deployment("gold", container(PAUSE), priorityClassName="gold-class"),),
            "no PriorityClass with name gold-class was found",
            "kube-admission",
        ),
        "as-root": Case(
            (
                deployment(
                    "as-root",
                    container(base, "sleep", "600", securityContext={"runAsNonRoot": True}),
                ),
            ),
            "container has runAsNonRoot and image will run as root",
            "kube-config",
        ),
        "no-folder": Case(
            (
                deployment(
                    "no-folder",
                    container(PAUSE, volumeMounts=[{"name": "h", "mountPath": "/h"}]),
                    volumes=[
                        {"name": "h", "hostPath": {"path": "/not/there", "type": "Directory"}}
                    ],
                ),
            ),
            "/not/there is not a directory",
            "kube-volume",
        ),
        "no-scheduler": Case(
            (pod("no-scheduler", container(PAUSE), schedulerName="batch"),),
            "the scheduler batch, which it names, says nothing of it",
            "kube-waiting",
        ),
        "no-gate": Case(
            (pod("no-gate", container(PAUSE), readinessGates=[{"conditionType": "x.io/lb"}]),),
            "nobody has set its readiness gate x.io/lb",
            "kube-waiting",
        ),
        "named-volume": Case(
            (claim("named-volume", volumeName="mltui-test-none", storageClassName=""),),
            "it asks for the volume mltui-test-none by name",
            "kube-volume",
        ),
        "over-quota": Case(
            (deployment("over-quota", container(PAUSE)),),
            "quota none is used up",
            "kube-admission",
            space="quota",
        ),
        "too-free": Case(
            (deployment("too-free", container(PAUSE, securityContext={"privileged": True})),),
            "the namespace's pod security (restricted) forbids it",
            "kube-admission",
            space="strict",
        ),
    }
