"""An attempt as a container: what the daemon is told, and what its refusals mean. Pure.

Called by the engine. Source: Docker Engine API, "Create a container"; `docker run` reference for
exit codes 125 to 127.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from mltui.engines.docker.names import NAME
from mltui.engines.protocol import Attempt, View

ROOT = "mltui"
VIEW = View(f"/{ROOT}/work", f"/{ROOT}/metrics", f"/{ROOT}/secrets")
"""The same in every container."""
SHARED = f"/{ROOT}/shared"
"""Where `Attempt.shared` is in a container."""
LIMIT_CPUS = re.compile(r"Range of CPUs is from [\d.]+ to ([\d.]+)")
_DEFAULT_SHM_BYTES = 1 << 30
# The `local` driver keeps bytes as they are (json-file replaces what is not UTF-8) but throws the
# oldest away at its size; a stage's log must be whole until it was read.
_LOG = {"Type": "local", "Config": {"max-size": "1024g", "max-file": "1", "compress": "false"}}
_TINI = re.compile(rb"\[FATAL tini \(\d+\)\] exec (?P<program>.*) failed: (?P<why>[^\n]*)\s*\Z")


def create_body(
    attempt: Attempt, image: str, image_env: Mapping[str, str], proxies: Mapping[str, str]
) -> dict[str, Any]:
    """The body of "create a container" for an attempt. `proxies`: only where it has a network."""
    env = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    env = {name: value for name, value in env.items() if name not in image_env}
    if attempt.network:
        env.update(proxies)
    env.update(attempt.env)
    resources = attempt.resources
    host: dict[str, Any] = {
        "NetworkMode": "default" if attempt.network else "none",
        "Init": True,
        "SecurityOpt": ["no-new-privileges"],
        "LogConfig": _LOG,
        "RestartPolicy": {"Name": "no"},
        # Shared memory counts against the limit as any; 64 MiB break PyTorch's loaders.
        "ShmSize": resources.memory_bytes or _DEFAULT_SHM_BYTES,
    }
    ports: dict[str, Any] = {}
    if attempt.port is not None:
        ports = {"ExposedPorts": {f"{attempt.port}/tcp": {}}}
        # Any free port, for this machine only: a front in front of it decides who is answered.
        found = [{"HostIp": "127.0.0.1", "HostPort": ""}]
        host["PortBindings"] = {f"{attempt.port}/tcp": found}
    if attempt.shared is not None:
        host["Mounts"] = [{"Type": "bind", "Source": str(attempt.shared), "Target": SHARED}]
    if resources.memory_bytes is not None:
        host["Memory"] = host["MemorySwap"] = resources.memory_bytes
    if resources.cpu is not None:
        host["NanoCpus"] = round(resources.cpu * 1e9)
    if resources.gpu:
        host["DeviceRequests"] = [{"Count": resources.gpu, "Capabilities": [["gpu"]]}]
    return {
        "Image": image,
        "Entrypoint": [attempt.argv[0]],
        "Cmd": list(attempt.argv[1:]),
        "Env": [f"{name}={value}" for name, value in env.items()],
        "WorkingDir": VIEW.work,
        "Labels": {**attempt.labels, NAME: attempt.name},
        "Healthcheck": {"Test": ["NONE"]},
        "AttachStdout": False,
        "AttachStderr": False,
        "HostConfig": host,
        **ports,
    }


def is_ours(found: Mapping[str, Any], attempt: Attempt) -> bool:
    """Whether an inspected container is the attempt's: names can be taken by anybody."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    return bool(labels.get(NAME) == attempt.name)


def read_env(config: Mapping[str, Any]) -> dict[str, str]:
    """The variables of an image's or container's `Config`."""
    pairs = (str(entry).partition("=") for entry in config.get("Env") or ())
    return {name: value for name, _, value in pairs}


def refusal(attempt: Attempt, message: str) -> str:
    """A daemon's reason for not creating or starting an attempt, as a sentence."""
    low = message.lower()
    resources = attempt.resources
    if found := LIMIT_CPUS.search(message):
        return (
            f"the stage asks for {resources.cpu:g} CPUs, the Docker host has "
            f"{float(found[1]):g}: ask for less under `resources:`"
        )
    if "could not select device driver" in low or "nvidia-container" in low:
        return (
            f"the stage asks for {resources.gpu} GPU{'s' * (resources.gpu != 1)}, and the Docker "
            "host offers none (no GPU runtime is installed there)"
        )
    if "minimum memory limit" in low:
        least = re.search(r"limit allowed is (\S+)", message, re.IGNORECASE)
        return f"the memory limit is too small for Docker, which needs {least[1] if least else 6}"
    if "no such image" in low:
        return "its image is gone from the Docker host: retry to build it again"
    if is_full(message):
        return "the disk of the Docker host is full: `docker system df` shows what fills it"
    if "exec format error" in low or "does not match the specified platform" in low:
        return f"its image is for another architecture than the Docker host: {message}"
    if "executable file not found" in low or "no such file or directory" in low:
        if "docker-init" in low:
            return "the Docker host lacks its init program (docker-init): install it there"
        return f"its image has no program {attempt.argv[0]!r}"
    if "unable to find user" in low or "no matching entries in passwd" in low:
        return f"the image's user does not exist in it: {message}"
    return f"Docker refuses it: {message}"


def is_full(message: str) -> bool:
    """Whether a message says that a disk is full."""
    low = message.lower()
    return "no space left on device" in low or "disk quota exceeded" in low


def exit_sentence(code: int, tail: bytes, program: str) -> str:
    """What is known of a command that could not be executed, from the end of its log."""
    found = _TINI.search(tail[-2000:])
    if found is None or code == 0:
        return ""
    why = found["why"].decode("utf-8", "replace")
    name = PurePosixPath(program).name
    if "format" in why:
        return f"its image is for another architecture than the Docker host ({name}: {why})"
    if "No such file" in why:
        return f"its image has no program {program!r}"
    return f"the program {program!r} in its image can't be executed: {why}"
