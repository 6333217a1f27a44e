"""Workloads that are really broken, each with its true cause, and healthy ones beside them.

`CASES`: name → what is applied, and what the first line must say. The name is the workload's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .objects import (
    ASK_API,
    FORGED,
    PAUSE,
    Object,
    affinity,
    asks,
    budget,
    claim,
    config,
    container,
    deployment,
    ingress,
    job,
    key,
    of_kind,
    pod,
    replicas,
    scaler,
    script,
    service,
    tls,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One broken workload."""

    objects: tuple[Object, ...]
    says: str
    """In the finding's title or cause."""
    rule: str
    about: str = ""
    """What the finding's object names; empty: the case's own name."""
    space: str = "main"
    """Which of the test's namespaces it is in: `main`, `quota`, `strict`."""
    more: Mapping[str, str] = field(default_factory=dict)


def cases(base: str, registry: str) -> dict[str, Case]:
    """`base`: an image with a shell and Python that nodes can pull; `registry`: where it is."""
    py = ("python3", "-c")
    http = {"httpGet": {"path": "/healthz", "port": 8080}}
    often = {"periodSeconds": 1, "failureThreshold": 1}
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
        "raises": Case(
            (deployment("raises", container(base, *py, "raise KeyError('label')")),),
            "KeyError: 'label'",
            "kube-crash",
        ),
        "ends-well": Case(
            (deployment("ends-well", container(base, "true")),),
            "ends well, and is started again each time",
            "kube-crash",
        ),
        "no-program": Case(
            (deployment("no-program", container(base, "traiin")),),
            "has no program traiin",
            "kube-crash",
        ),
        "init": Case(
            (
                deployment(
                    "init",
                    container(PAUSE),
                    initContainers=[{**container(base, "sh", "-c", "exit 7"), "name": "wait"}],
                ),
            ),
            "init container wait failed with exit code 7",
            "kube-crash",
        ),
        "oom": Case(
            (
                deployment(
                    "oom",
                    container(
                        base,
                        *py,
                        "x = b'1' * (1 << 28)",
                        resources={"limits": {"memory": "24Mi"}},
                    ),
                ),
            ),
            "needs more memory than its limit of 24 MiB",
            "kube-memory",
        ),
        "not-ready": Case(
            (
                deployment("not-ready", container(PAUSE, readinessProbe={**http, **often})),
                service("not-ready", "not-ready", 8080),
            ),
            "the readiness probe (http :8080/healthz) is answered",
            "kube-probe",
        ),
        "not-alive": Case(
            (
                deployment(
                    "not-alive",
                    container(
                        base,
                        "sleep",
                        "600",
                        livenessProbe={"exec": {"command": ["test", "-f", "/alive"]}, **often},
                    ),
                ),
            ),
            "the liveness probe (exec test -f /alive) is answered",
            "kube-probe",
        ),
        "job-fails": Case(
            (job("job-fails", container(base, *py, "import numppy"), backoffLimit=0),),
            "No module named 'numppy'",
            "kube-crash",
        ),
        "job-late": Case(
            (job("job-late", container(PAUSE), activeDeadlineSeconds=2),),
            "it ran longer than its deadline of 2.0s",
            "kube-workload",
        ),
        "typo": Case(
            (
                deployment("gateway", container(PAUSE)),
                service("typo", "gatewy"),
            ),
            "no pod has the labels app=gatewy: did you mean app=gateway?",
            "kube-service",
        ),
        "wrong-port": Case(
            (
                deployment("named", container(PAUSE, ports=[{"name": "web", "containerPort": 80}])),
                service("wrong-port", "named", "http"),
            ),
            "its port 80 leads to http, and its pods declare 80, web",
            "kube-service",
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
        "no-right": Case(
            (job("no-right", container(base, *py, ASK_API), backoffLimit=0),),
            "ServiceAccount default may not list pods in",
            "kube-forbidden",
        ),
        "kept": Case(
            (config("kept", finalizers=["mltui.test/keep"]),),
            "it waits for its finalizer mltui.test/keep",
            "kube-stuck",
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
        "not-executable": Case(
            (deployment("not-executable", container(base, "/etc/passwd")),),
            "is not executable",
            "kube-crash",
        ),
        "segv": Case(
            (deployment("segv", container(base, *py, "import ctypes; ctypes.string_at(0)")),),
            "SIGSEGV",
            "kube-crash",
        ),
        "job-code": Case(
            (
                job(
                    "job-code",
                    container(base, "sh", "-c", "echo giving up; exit 3"),
                    backoffLimit=0,
                ),
            ),
            "failed with exit code 3",
            "kube-crash",
        ),
        "job-oom": Case(
            (
                job(
                    "job-oom",
                    container(
                        base,
                        *py,
                        "x = b'1' * (1 << 28)",
                        resources={"limits": {"memory": "32Mi"}},
                    ),
                    backoffLimit=0,
                ),
            ),
            "needs more memory than its limit of 32 MiB",
            "kube-memory",
        ),
        "stateful": Case(
            (
                of_kind(
                    "StatefulSet",
                    deployment("stateful", container(base, *py, "raise ValueError('bad column')")),
                    serviceName="stateful",
                ),
            ),
            "ValueError: bad column",
            "kube-crash",
        ),
        "agents": Case(
            (
                of_kind(
                    "DaemonSet",
                    deployment("agents", container(base, *py, "open('/etc/agent.yaml')")),
                ),
            ),
            "FileNotFoundError: [Errno 2] No such file or directory: '/etc/agent.yaml'",
            "kube-crash",
        ),
        "slow-start": Case(
            (
                deployment(
                    "slow-start",
                    container(
                        base,
                        "sleep",
                        "600",
                        startupProbe={"exec": {"command": ["test", "-f", "/up"]}, **often},
                    ),
                ),
            ),
            "the startup probe (exec test -f /up) is answered",
            "kube-probe",
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
        "other-label": Case(
            (
                {
                    **service("other-label", "gateway"),
                    "spec": {"selector": {"appp": "gateway"}, "ports": [{"port": 80}]},
                },
            ),
            "did you mean the label app?",
            "kube-service",
        ),
        "held": Case(
            (deployment("held", container(PAUSE)), budget("held", "held", minAvailable=1)),
            "it demands minAvailable 1 of one pod, so its node can't be emptied",
            "kube-budget",
        ),
        "old-certificate": Case(
            (tls("old-certificate", is_over=True),),
            "ended on 2024-04-01",
            "kube-certificate",
        ),
        "blind-scaler": Case(
            (deployment("scaled", container(PAUSE)), scaler("blind-scaler", "scaled")),
            "it can't read metrics of Deployment/scaled",
            "kube-scaler",
        ),
        "hook": Case(
            (
                deployment(
                    "hook",
                    container(
                        base,
                        "sleep",
                        "600",
                        lifecycle={"postStart": {"exec": {"command": ["sh", "-c", "exit 9"]}}},
                    ),
                ),
            ),
            "can't start: its postStart hook fails",
            "kube-crash",
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
        "pod-late": Case(
            (pod("pod-late", container(PAUSE), activeDeadlineSeconds=2, restartPolicy="Never"),),
            "Pod pod-late did not end in time",
            "kube-failed",
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
        "usage": Case(
            (deployment("usage", container(base, "sh", "-c", "echo usage: x --port; exit 2")),),
            "failed with exit code 2, and said last: usage: x --port",
            "kube-crash",
        ),
        "no-first-line": Case(
            script("no-first-line", "sleep 600\n", base),
            "/s/run.sh is a script without a first line like #!/bin/sh",
            "kube-crash",
        ),
        "line-ends": Case(
            script("line-ends", "#!/bin/sh\r\nsleep 600\r\n", base),
            "/s/run.sh is there, but what runs it is not",
            "kube-crash",
        ),
        "last-word": Case(
            (
                deployment(
                    "last-word",
                    container(
                        base, "sh", "-c", "echo license expired > /dev/termination-log; exit 3"
                    ),
                ),
            ),
            "container main: license expired",
            "kube-crash",
        ),
        "json-log": Case(
            (
                deployment(
                    "json-log",
                    container(
                        base,
                        "sh",
                        "-c",
                        """echo '{"level":"fatal","msg":"no broker","err":"no host"}'; exit 1""",
                    ),
                ),
            ),
            "container main: error: no broker: no host",
            "kube-crash",
        ),
        "child-memory": Case(
            (
                deployment(
                    "child-memory",
                    container(
                        base,
                        "sh",
                        "-c",
                        "python3 -c \"b'1' * (1 << 28)\" || exit 1",
                        resources={"limits": {"memory": "40Mi"}},
                    ),
                ),
            ),
            "a process of container main needed more memory than its limit of 40 MiB",
            "kube-memory",
        ),
        "killed-late": Case(
            (
                pod(
                    "killed-late",
                    container(base, "sleep", "600"),
                    activeDeadlineSeconds=2,
                    restartPolicy="Never",
                ),
            ),
            "Pod killed-late did not end in time",
            "kube-failed",
        ),
        "no-backend": Case(
            (ingress("no-backend", "shopp"),),
            "*/ leads to shopp:80, and there is no Service shopp",
            "kube-ingress",
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


def healthy(base: str) -> tuple[Object, ...]:
    """Of these nothing may be said."""
    true = {"exec": {"command": ["true"]}}
    probes = {"readinessProbe": true, "livenessProbe": true}
    idle = deployment("idle", container(PAUSE))
    idle["spec"]["replicas"] = 0
    return (
        deployment("fine", container(PAUSE, ports=[{"name": "web", "containerPort": 80}])),
        service("fine", "fine", "web"),
        service("any-port", "fine", 80),
        idle,
        service("idle", "idle"),
        deployment("probed", container(base, "sleep", "600", **probes)),
        job("done", container(base, "true")),
        job("second", container(base, "sh", "-c", "exit 0"), backoffLimit=3),
        claim("bound"),
        config("plain"),
        pod("quiet", container(PAUSE), restartPolicy="Never"),
        pod("once", container(base, "true"), restartPolicy="Never"),
        of_kind("StatefulSet", deployment("steady", container(PAUSE)), serviceName="steady"),
        {**service("steady", "steady"),
         "spec": {"clusterIP": "None", "selector": {"app": "steady"}, "ports": [{"port": 80}]}},
        of_kind("DaemonSet", deployment("everywhere", container(PAUSE))),
        replicas(deployment("spare", container(PAUSE)), 2),
        budget("spare", "spare", maxUnavailable=1),
        tls("certificate"),
        job("twice", container(base, "true"), completions=2, parallelism=2),
        deployment(
            "configured",
            container(PAUSE, envFrom=[{"configMapRef": {"name": "plain"}}],
                      volumeMounts=[{"name": "t", "mountPath": "/t"}]),
            volumes=[{"name": "t", "secret": {"secretName": "certificate"}}],
        ),
        deployment("scratch", container(PAUSE, volumeMounts=[{"name": "s", "mountPath": "/s"}]),
                   volumes=[{"name": "s", "emptyDir": {}}]),
        deployment(
            "starting",
            container(base, "sleep", "600",
                      startupProbe={"tcpSocket": {"port": 9}, "failureThreshold": 60}),
        ),
        deployment("forger", container(base, "python3", "-uc", FORGED)),
        deployment(
            "prepared",
            container(PAUSE),
            initContainers=[{**container(base, "true"), "name": "before"}],
        ),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "outside"},
            "spec": {"type": "ExternalName", "externalName": "example.invalid"},
        },
    )  # fmt: skip
