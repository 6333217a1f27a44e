"""Containers that end, grow too large, do not get well, lack a right or are not let go."""

from __future__ import annotations

from .case import Case
from .objects import (
    ASK_API,
    PAUSE,
    config,
    container,
    deployment,
    job,
    of_kind,
    pod,
    script,
    service,
)


def running(base: str) -> dict[str, Case]:
    """What begins to run and does not go on well, by its name."""
    py = ("python3", "-c")
    http = {"httpGet": {"path": "/healthz", "port": 8080}}
    often = {"periodSeconds": 1, "failureThreshold": 1}
    return {
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
        "pod-late": Case(
            (pod("pod-late", container(PAUSE), activeDeadlineSeconds=2, restartPolicy="Never"),),
            "Pod pod-late did not end in time",
            "kube-failed",
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
    }
