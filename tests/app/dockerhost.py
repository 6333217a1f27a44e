"""A Docker host that says the same in every run, for pictures of what is on it.

It speaks the real API on loopback; nothing of the app is replaced. What it has is in the moods that
a person looks at lists for: something failed, something waits, the rest is well.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING, Any

from .moments import DAY, HOUR, when
from .seed import NOON

if TYPE_CHECKING:
    from tests.unit.kube.server import Answer, Asked, Endless

_server = import_module("unit.kube.server")

MIB = 1 << 20


@asynccontextmanager
async def docker(socket: Path) -> AsyncIterator[dict[str, str]]:
    """A Docker daemon; gives the variables that lead to it."""
    server = await _server.ApiServer(_answer).open(socket)
    try:
        yield {"DOCKER_HOST": f"unix://{socket}"}
    finally:
        await server.close()


_STAGE = {"mltui.project": "digits", "mltui.run": "14"}
_SHOP = {"com.docker.compose.project": "shop"}
_LIMIT = 512 * MIB


def _container(
    name: str,
    image: str,
    state: str,
    created_ago: float,
    *,
    labels: Mapping[str, str] | None = None,
    code: int = 0,
    ended_ago: float | None = None,
    health: str = "",
    restarts: int = 0,
    port: int = 0,
    cpu: float = 0.0,
    memory: int = 0,
    limit: int = 0,
    is_oom: bool = False,
    log: Sequence[str] = (),
) -> dict[str, Any]:
    """A container as its inspection gives it, with what is measured of it and its log."""
    over = state == "exited"
    told = {
        "Status": state,
        "Running": state == "running",
        "Pid": 4711 if state == "running" else 0,
        "ExitCode": code,
        "OOMKilled": is_oom,
        "StartedAt": when(created_ago - 1),
        "FinishedAt": when(ended_ago or 0.0) if over else "0001-01-01T00:00:00Z",
    }
    if health:
        check = {"Start": when(20), "ExitCode": int(health == "unhealthy"), "Output": "no answer"}
        told["Health"] = {"Status": health, "FailingStreak": 4, "Log": [check]}
    ports = {f"{port}/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(port)}]} if port else {}
    return {
        "Id": f"{sum(map(ord, name)):x}".ljust(64, "0"),
        "Name": f"/{name}",
        "Created": when(created_ago),
        "Path": "python",
        "Args": ["-m", "digits.train", "--token=s3cret"],
        "State": told,
        "Image": f"sha256:{sum(map(ord, image)):x}".ljust(71, "0"),
        "RestartCount": restarts,
        "HostConfig": {
            "Memory": limit,
            "NanoCpus": 10**9 if limit else 0,
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "json-file", "Config": {}},
        },
        "Config": {
            "Image": image,
            "Labels": dict(labels or {}),
            "Env": ["PYTHONUNBUFFERED=1", "API_TOKEN=s3cret"],
            "WorkingDir": "/mltui/work",
            "Tty": False,
            "Healthcheck": {"Test": ["CMD", "curl", "-f", f"http://localhost:{port}/"]},
        },
        "NetworkSettings": {"Ports": ports, "Networks": {"none": {"NetworkID": "n" * 64}}},
        "Mounts": [],
        "_measured": (cpu, memory),
        "_log": list(log),
    }


def _epoch(n: int) -> str:
    fields = {"level": "info", "msg": "epoch done", "epoch": n, "loss": round(0.7 / n, 3)}
    return json.dumps(fields)


_JSON_LOG = [
    json.dumps({"level": "info", "msg": "loading features", "rows": 12_000, "columns": 64}),
    *(_epoch(n) for n in range(1, 30)),
    json.dumps({"level": "warning", "msg": "gradient norm is large", "norm": 91.3, "epoch": 29}),
    *(_epoch(n) for n in range(30, 60)),
    json.dumps({"level": "error", "msg": "cannot allocate kernel matrix", "bytes": 1_152_000_000}),
]
_WEB_LOG = [
    f'10.0.0.{n % 7 + 2} "GET /predict?digit={n % 10} HTTP/1.1" {200 if n % 11 else 503} {n % 40}ms'
    for n in range(1, 120)
]

_CONTAINERS = [
    _container("digits-14-train-3", "digits-train:8f2c", "running", 130, cpu=98.4,
               labels={**_STAGE, "mltui.stage": "train", "mltui.round": "3"},
               memory=471 * MIB, limit=_LIMIT, log=_JSON_LOG),
    _container("digits-14-train-2", "digits-train:8f2c", "exited", 420, code=137, ended_ago=380,
               labels={**_STAGE, "mltui.stage": "train", "mltui.round": "2"}, is_oom=True,
               limit=_LIMIT, log=_JSON_LOG[:20]),
    _container("classifier-local-1", "digits-serve:8f2c", "running", 2.5 * HOUR, cpu=3.2,
               labels={"mltui.project": "digits", "mltui.service": "classifier"},
               memory=88 * MIB, port=8080, health="healthy", log=_WEB_LOG),
    _container("shop-web-1", "shop/web:2.14", "running", 3.5 * DAY, cpu=0.4,
               labels={**_SHOP, "com.docker.compose.service": "web"}, memory=212 * MIB, port=8443,
               health="unhealthy", restarts=3, log=_WEB_LOG),
    _container("shop-db-1", "postgres:16", "running", 3.5 * DAY, cpu=1.1,
               labels={**_SHOP, "com.docker.compose.service": "db"}, memory=301 * MIB,
               log=_WEB_LOG),
    _container("nightly-report-with-a-name-that-is-too-long-for-most", "registry.local/ml/es:v9",
               "exited", 9.5 * HOUR, ended_ago=9.4 * HOUR),
    _container("translate-en-es", "registry.local/ml/translate-en-es:2025-11-20", "paused",
               1.5 * DAY),
    _container("scratch", "debian:bookworm-slim", "exited", 12.5 * DAY, code=143,
               ended_ago=12.4 * DAY),
]  # fmt: skip


def _listed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The same as the list gives it."""
    state = raw["State"]
    word, code = str(state["Status"]), state["ExitCode"]
    health = f" ({state['Health']['Status']})" if "Health" in state else ""
    status = f"Exited ({code}) a while ago" if word == "exited" else f"Up a while{health}"
    ports = [
        {"PrivatePort": int(name.split("/")[0]), "PublicPort": int(each["HostPort"]),
         "Type": "tcp", "IP": each["HostIp"]}
        for name, bound in raw["NetworkSettings"]["Ports"].items() for each in bound
    ]  # fmt: skip
    return {
        "Id": raw["Id"],
        "Names": [raw["Name"]],
        "Image": raw["Config"]["Image"],
        "ImageID": raw["Image"],
        "Created": int(datetime.fromisoformat(raw["Created"]).timestamp()),
        "State": word,
        "Status": status,
        "Labels": raw["Config"]["Labels"],
        "Ports": ports,
        "NetworkSettings": raw["NetworkSettings"],
        "Mounts": [],
    }


def _images() -> list[dict[str, Any]]:
    sizes = (612, 388, 88, 421, 1_204, 744, 29)
    names = dict.fromkeys(each["Config"]["Image"] for each in _CONTAINERS)
    found = [
        {
            "Id": f"sha256:{sum(map(ord, name)):x}".ljust(71, "0"),
            "RepoTags": [name],
            "RepoDigests": [],
            "Created": int(NOON - (2.5 + 3 * n) * DAY),
            "Size": size * 10**6,
            "Labels": {"mltui.project": "digits"} if name.startswith("digits") else {},
        }
        for n, (name, size) in enumerate(zip(names, sizes, strict=False))
    ]
    lost = {"Id": "sha256:" + "f" * 64, "RepoTags": [], "Created": int(NOON - 40 * DAY)}
    return [*found, {**lost, "Size": 2_100 * 10**6, "Labels": None}]


def _measured(raw: Mapping[str, Any]) -> dict[str, Any]:
    cpu, memory = raw["_measured"]
    took = int(cpu / 100 * 1e9)
    return {
        "preread": when(1),
        "read": when(0),
        "precpu_stats": {"cpu_usage": {"total_usage": 10**12}},
        "cpu_stats": {"cpu_usage": {"total_usage": 10**12 + took}},
        "memory_stats": {"usage": memory, "limit": raw["HostConfig"]["Memory"]},
        "networks": {"eth0": {"rx_bytes": 1_000, "tx_bytes": 2_000}},
    }


def _frames(raw: Mapping[str, Any], query: Mapping[str, str]) -> bytes:
    """Its log as frames, as far as `since` and `tail` ask for it."""
    since, tail = float(query.get("since") or 0), query.get("tail", "all")
    lines = [(NOON - 200 + n + 0.25, text) for n, text in enumerate(raw["_log"])]
    lines = [each for each in lines if each[0] >= since]
    if tail.isdecimal():
        lines = lines[len(lines) - min(int(tail), len(lines)) :]
    out = []
    for at, text in lines:
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        data = f"{moment} {text}\n".encode()
        out.append(pack(">BxxxI", 1, len(data)) + data)
    return b"".join(out)


async def _answer(asked: Asked) -> Answer | list[Any] | Endless:
    path = re.sub(r"^/v1\.\d+", "", asked.path)
    if path == "/_ping":
        return 200, b"OK"
    if path == "/version":
        return 200, {
            "ApiVersion": "1.45",
            "MinAPIVersion": "1.24",
            "Version": "26.1",
            "Os": "linux",
        }
    if path == "/events":
        events: Endless = _server.Endless()
        return events
    if path == "/containers/json":
        return 200, [_listed(raw) for raw in _CONTAINERS]
    if path == "/images/json":
        return 200, _images()
    match = re.fullmatch(r"/containers/(\w+)/(json|stats|logs)", path)
    raw = next((each for each in _CONTAINERS if match and each["Id"] == match[1]), None)
    if match is None or raw is None:
        return 404, {"message": f"no such thing: {path}"}
    if match[2] == "stats":
        return 200, _measured(raw)
    if match[2] == "logs":
        if raw["State"]["Running"] and asked.query.get("follow") in ("1", "true"):
            followed: Endless = _server.Endless(_frames(raw, asked.query))
            return followed
        return 200, _frames(raw, asked.query)
    return 200, {name: value for name, value in raw.items() if not name.startswith("_")}
