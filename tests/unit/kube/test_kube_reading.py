"""What the API says of objects becomes what kubectl's users know; amounts and places are read."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest

from mltui.actions.listed import KUBE
from mltui.errors import UsageError
from mltui.live.kinds import kinds, kube_kinds
from mltui.live.kinds.kube._pod import Pod, PodRow, read_pod
from mltui.live.kinds.kube._quantity import amount, format_cpu, format_memory
from mltui.live.kube.describe import masked
from mltui.live.kube.forwards import read_ports
from mltui.live.kube.place import Place, normal, parse, text_of
from mltui.live.kube.verbs.image import read_image
from mltui.live.kube.verbs.scale import read_count
from mltui.live.masking import mask_log
from mltui.live.matching import matcher


def pod(status: dict[str, Any], spec: dict[str, Any] | None = None, **meta: Any) -> PodRow:
    found = {
        "metadata": {"name": "p", "namespace": "d", "uid": "u", **meta},
        "spec": spec or {"containers": [{"name": "c"}]},
        "status": status,
    }
    return read_pod(msgspec.convert(found, Pod), "kind")


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "c", "state": state, "ready": "running" in state, "restartCount": 0, **more}


RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
OOM = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:00:00Z"}
READY = {"type": "Ready", "status": "True"}

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("nothing yet", {"phase": "Pending"}, "Pending", "waiting"),
    (
        "no node fits",
        {
            "phase": "Pending",
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                 "message": "0/1 nodes are available"}
            ],
        },
        "Unschedulable",
        "warning",
    ),
    (
        "running and ready",
        {"phase": "Running", "containerStatuses": [container(RUNNING)], "conditions": [READY]},
        "Running",
        "running",
    ),
    (
        "running, not ready",
        {"phase": "Running", "containerStatuses": [container(RUNNING, ready=False)]},
        "Running",
        "waiting",
    ),
    (
        "an image that is not there",
        {
            "phase": "Pending",
            "containerStatuses": [container({"waiting": {"reason": "ImagePullBackOff"}})],
        },
        "ImagePullBackOff",
        "warning",
    ),
    (
        "it crashes again and again",
        {
            "phase": "Running",
            "containerStatuses": [
                container({"waiting": {"reason": "CrashLoopBackOff"}},
                          lastState={"terminated": {"exitCode": 1, "reason": "Error"}})
            ],
        },
        "CrashLoopBackOff",
        "failed",
    ),
    (
        "out of memory",
        {"phase": "Failed", "containerStatuses": [container({"terminated": OOM})]},
        "OOMKilled",
        "failed",
    ),
    (
        "done",
        {
            "phase": "Succeeded",
            "containerStatuses": [
                container({"terminated": {"exitCode": 0, "reason": "Completed"}})
            ],
        },
        "Completed",
        "succeeded",
    ),
    (
        "evicted",
        {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"},
        "Evicted",
        "failed",
    ),
    (
        "its first container prepares",
        {
            "phase": "Pending",
            "initContainerStatuses": [container(RUNNING) | {"name": "i"}],
            "containerStatuses": [container({"waiting": {"reason": "PodInitializing"}})],
        },
        "Init:0/1",
        "waiting",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("what", "status", "word", "state"), CASES, ids=[c[0] for c in CASES])
def test_a_pod_reads_as_kubectl_says_it(
    what: str, status: dict[str, Any], word: str, state: str
) -> None:
    spec = {"containers": [{"name": "c"}]}
    if "initContainerStatuses" in status:
        spec["initContainers"] = [{"name": "i"}]
    row = pod(status, spec)
    assert (row.status, row.state) == (word, state)


def test_a_pod_says_why() -> None:
    row = pod(CASES[6][1])
    assert row.exit_code == 137 and row.reason == "exit 137: reached its memory limit"
    assert pod(CASES[1][1]).reason == "0/1 nodes are available"


def test_a_pod_that_is_being_deleted_terminates() -> None:
    row = pod(CASES[2][1], deletionTimestamp="2026-01-01T00:00:00Z")
    assert row.status == "Terminating" and row.is_leaving


def test_a_pod_of_a_stage_says_so() -> None:
    labels = {"mltui.project": "digits", "mltui.run": "14", "mltui.stage": "train",
              "mltui.round": "2"}  # fmt: skip
    assert pod({"phase": "Running"}, labels=labels).place.text == "train~2 of digits 14"


def test_null_is_as_good_as_missing() -> None:
    row = pod({"phase": "Running", "containerStatuses": None, "conditions": None},
              {"containers": None, "initContainers": None}, creationTimestamp=None)  # fmt: skip
    assert row.containers == () and row.created_at is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("250m", 0.25), ("1", 1), ("1.5Gi", 1.5 * 2**30), ("64Mi", 64 * 2**20), ("1e3", 1000),
     ("1k", 1000), ("100n", 1e-7), ("24681152Ki", 24681152 * 1024), ("", None), ("x", None),
     ("1E", 1e18), ("12E2", 1200)],
)  # fmt: skip
def test_amounts(text: str, number: float | None) -> None:
    assert amount(text) == (number if number is None else pytest.approx(number))


def test_amounts_are_shown_as_limits_are_written() -> None:
    assert [format_cpu(0.0123), format_cpu(1.5), format_cpu(12)] == ["12m", "1500m", "12"]
    assert [format_memory(212 * 2**20), format_memory(1.5 * 2**30)] == ["212Mi", "1.5Gi"]


HERE = (Place("kind", "dev"),)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("prod", "kind/prod"),
        ("dev, prod", "kind/dev, prod"),
        ("*", "kind/*"),
        ("kind/dev, eks/a:b/ml/x", "kind/dev; eks/a:b/ml/x"),
        ("eks/a:b/ml/", "eks/a:b/ml/*"),
        ("dev, *", "kind/*"),
        ("dev, dev", "kind/dev"),
        ("", ""),
    ],
)
def test_places_as_people_type_them(text: str, where: str) -> None:
    found = parse(text, ["kind", "eks", "eks/a:b/ml"], HERE)
    assert text_of(found) == where
    assert normal(found) == found


@pytest.mark.parametrize("text", ["gone/dev", "gone/*", "kind/a/b"])
def test_a_context_that_is_not_known_is_no_namespace(text: str) -> None:
    with pytest.raises(UsageError, match=r"there is no context '.*' here: there is eks, kind"):
        parse(text, ["kind", "eks"], HERE)


def test_secrets_of_objects_are_masked_whole() -> None:
    secret = {"kind": "Secret", "metadata": {}, "data": {"key": "c2VjcmV0"}}
    assert "c2VjcmV0" not in str(masked(secret))
    env = [{"name": "API_TOKEN", "value": "s3cret"}, {"name": "RATE", "value": "3"}]
    shown = str(masked({"kind": "Pod", "spec": {"containers": [{"env": env}]}}))
    assert "s3cret" not in shown and "'3'" in shown
    words = ["serve", "--password", "s3cret", "--port", "80", "-c", "token: s3cret\nrate: 3"]
    spec = {"containers": [{"env": env, "args": words}]}
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": spec})}
    shown = str(masked({"kind": "Pod", "metadata": {"annotations": applied}, "spec": spec}))
    assert "s3cret" not in shown and "rate: 3" in shown and "'80'" in shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("12:00 db_password: correct-horse", "12:00 db_password: ******"),
        ('{"user": "x", "api_key": "abc"}', '{"user": "x", "api_key": ******'),
        ("AuthError: invalid password", "AuthError: invalid password"),
        ("KeyError: 'label'", "KeyError: 'label'"),
        ("tokens: 4096 of 8192", "tokens: 4096 of 8192"),
    ],
)
def test_lines_of_a_log_are_handed_on_without_what_their_names_tell_is_secret(
    line: str, shown: str
) -> None:
    assert mask_log(line) == shown


def test_a_key_over_several_lines_is_masked_also_where_its_beginning_was_cut() -> None:
    body = "MIIEvQIBADANBgkq\nhkiG9w0BAQEF"
    whole = f"a\n-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\nb"
    assert mask_log(whole) == "a\n******\nb"
    assert mask_log(f"{body}\n-----END PRIVATE KEY-----\nb") == "******\nb"


def test_scaling_reads_numbers_and_steps() -> None:
    assert [read_count(text, 3) for text in ("5", "+2", "-3")] == [5, 5, 0]


def test_an_image_may_be_given_alone_where_there_is_one_container() -> None:
    assert read_image("nginx:1.27", (("web", "x"),)) == ("web", "nginx:1.27")
    assert read_image("web=r.io/a/b:1", (("web", "x"), ("log", "y"))) == ("web", "r.io/a/b:1")


def test_every_kind_has_a_list_and_no_name_is_claimed_twice() -> None:
    names = [
        word
        for known in (kinds(), kube_kinds())
        for kind in known.values()
        for word in (kind.name, *kind.aliases)
    ]
    assert len(names) == len(set(names))
    assert set(kube_kinds()) == set(KUBE) - {"contexts", "forwards", "resources", "tree"}


@pytest.mark.parametrize(
    ("needle", "fits"),
    [("web", True), ("WEB-\\d", True), ("!web", False), ("status=oom", True),
     ("status!=Running", True), ("status!=OOM", False), ("web-[", False), ("dev.*web", True),
     ("", None), ("status:oom age>1h", True), ("status:oom age>3h", False), ("age < 90m", False),
     ("restarts>3", True), ("restarts>=4 !db", True), ("restarts<4", False), ("!status:oom", False),
     ("mem>500Mi", True), ("memory>1Gi", False), ("cpu>200m", True), ("cpu>0.5", False),
     ("label:app=web", True), ("-l app=web,tier", True), ("-l app=db", False), ("label:app", True),
     ("label!=app=web", False), ('"dev web"', True), ("age>soon", False), ("ns:dev", True)],
)  # fmt: skip
def test_filters(needle: str, fits: bool | None) -> None:
    row = PodRow(
        context="kind", namespace="dev", name="web-1", uid="u", status="OOMKilled", state="failed",
        created_at=time.time() - 2 * 3600, restarts=4, cpu=0.25, memory=800 * 2**20,
        labels=("app=web", "tier=front"),
    )  # fmt: skip
    keep = matcher(needle, kube_kinds()["pods"])
    assert (None if keep is None else keep(row)) is fits


@pytest.mark.parametrize(
    ("text", "ports"),
    [("8080:80", (8080, "80")), ("9090", (9090, "9090")), ("80", (8080, "80")), (":80", (0, "80")),
     ("8080:http", (8080, "http"))],
)  # fmt: skip
def test_ports_to_forward(text: str, ports: tuple[int, str]) -> None:
    assert read_ports(text) == ports
