"""What `mltui doctor` looks at. Each check is a sentence, and what to do where something lacks."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mltui import __version__
from mltui.errors import MltuiError
from mltui.text import format_bytes

ANSWER_S = 5.0
LOW_BYTES = 2 * 2**30
"""Less free space than this is said: one image may need as much."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: str
    """`ok`, `missing` (mltui can do without), `broken` (it is there and does not work)."""
    said: str
    remedy: str = ""


async def check_all(environ: Mapping[str, str] = os.environ) -> list[Check]:
    """Everything, in the order of a person's interest."""
    asked: tuple[Callable[[Mapping[str, str]], Awaitable[list[Check]]], ...] = (
        _itself, _terminal, _settings, _docker, _kubernetes, _programs, _disk,
    )  # fmt: skip
    groups = await asyncio.gather(*(ask(environ) for ask in asked))
    return [check for group in groups for check in group]


async def _itself(environ: Mapping[str, str]) -> list[Check]:
    python = platform.python_version()
    return [Check("mltui", "ok", f"{__version__} on Python {python}, {platform.system()}")]


async def _terminal(environ: Mapping[str, str]) -> list[Check]:
    from mltui.text import unicode_ok

    term = environ.get("TERM", "")
    if not sys.stdout.isatty():
        return [Check("terminal", "ok", "none here; without one mltui prints lines")]
    if term in ("", "dumb"):
        remedy = "set TERM, e.g. to xterm-256color; the commands work without"
        return [Check("terminal", "missing", f"TERM={term or 'is not set'}: no screen", remedy)]
    width, height = shutil.get_terminal_size()
    said = [f"{term}, {width}×{height}", f"{_colours(environ)} colours"]
    remedy = "" if (width, height) >= (80, 24) else "80×24 cells are needed to show everything"
    inside = [name for name, key in (("tmux", "TMUX"), ("screen", "STY")) if environ.get(key)]
    inside += ["SSH"] if environ.get("SSH_CONNECTION") else []
    if inside:
        said.append(f"inside {' and '.join(inside)}")
    found = [Check("terminal", "ok", ", ".join(said), remedy)]
    if unicode_ok(environ):
        found.append(Check("letters", "ok", "Unicode"))
    else:
        remedy = "a UTF-8 locale shows more: LC_ALL=C.UTF-8"
        found.append(Check("letters", "missing", "only ASCII is used", remedy))
    return found


def _colours(environ: Mapping[str, str]) -> str:
    if "NO_COLOR" in environ:
        return "no (NO_COLOR)"
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million"
    return "256" if "256" in environ.get("TERM", "") else "16"


async def _settings(environ: Mapping[str, str]) -> list[Check]:
    from mltui.app import config as configs
    from mltui.app import theming

    config = await asyncio.to_thread(configs.read, environ)
    _, faults = await asyncio.to_thread(theming.load, theming.folders(environ))
    problems = [*config.problems, *faults]
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        said = f"{first.file}:{first.line}: {first.message}{more}"
        return [Check("settings", "broken", said, first.hint or "`mltui config` says it all")]
    there = str(config.file) if config.file.exists() else f"none ({config.file})"
    return [Check("settings", "ok", there)]


async def _docker(environ: Mapping[str, str]) -> list[Check]:
    from mltui.live.daemon import open_daemon

    try:
        daemon = open_daemon(None, environ)
    except MltuiError as error:
        return [Check("docker", "broken", str(error), "see `docker context ls` and DOCKER_HOST")]
    try:
        async with asyncio.timeout(ANSWER_S):
            found = await daemon.get("/version")
    except (MltuiError, TimeoutError) as error:
        said = str(error) or f"{daemon.name} does not answer"
        there = environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()
        remedy = (
            "is the daemon running, and are you in the group docker?"
            if there
            else "install Docker Engine (docs.docker.com/engine/install), or set DOCKER_HOST"
        )
        return [Check("docker", "broken" if there else "missing", said, remedy)]
    finally:
        await daemon.close()
    said = f"{daemon.name}: {found.get('Version')} (API {found.get('ApiVersion')})"
    return [Check("docker", "ok", said), await _buildx(environ)]


async def _buildx(environ: Mapping[str, str]) -> Check:
    remedy = "Debian: apt-get install docker-buildx; else github.com/docker/buildx"
    missing = Check("buildx", "missing", "builds use the classic builder", remedy)
    docker = shutil.which("docker", path=environ.get("PATH"))
    if docker is None:
        return missing
    text = await _said(docker, "buildx", "version")
    return Check("buildx", "ok", text) if text else missing


async def _said(*argv: str) -> str:
    """The first line a program says; empty when it fails or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(ANSWER_S):
            text, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    lines = text.decode("utf-8", "replace").splitlines()
    return lines[0][:90] if lines and not process.returncode else ""


async def _kubernetes(environ: Mapping[str, str]) -> list[Check]:
    from mltui.live.kube.cluster import open_clusters

    try:
        clusters = await asyncio.to_thread(open_clusters, environ)
        context = clusters.config.context().name
    except MltuiError as error:
        said, _, remedy = str(error).partition(": ")
        return [Check("kubernetes", "missing", said, remedy)]
    try:
        return await _cluster(clusters.cluster(context), len(clusters.config.contexts))
    finally:
        await clusters.close()


async def _cluster(cluster: object, contexts: int) -> list[Check]:
    from mltui.engines.kubernetes.resources import JOBS, PODS
    from mltui.live.kube.cluster import Cluster

    assert isinstance(cluster, Cluster)
    others = f", {contexts - 1} other context{'s' * (contexts != 2)}" if contexts > 1 else ""
    space = cluster.namespace or "default"
    try:
        async with asyncio.timeout(2 * ANSWER_S):
            rights = {
                "list pods": await cluster.may("list", PODS, space),
                "read logs": await cluster.may("get", PODS, space, "log"),
                "open shells": await cluster.may("create", PODS, space, "exec"),
                "run stages": await cluster.may("create", JOBS, space),
            }
    except (MltuiError, TimeoutError) as error:
        said = str(error) or f"{cluster.name} does not answer"
        return [Check("kubernetes", "broken", said, "try `kubectl version` with the same context")]
    may = [name for name, allowed in rights.items() if allowed]
    not_ = [name for name, allowed in rights.items() if not allowed]
    found = [Check("kubernetes", "ok", f"context {cluster.name}, namespace {space}{others}")]
    said = f"you may {', '.join(may) or 'nothing'}"
    if not_:
        said += f"; not {', '.join(not_)}"
    remedy = "ask who runs the cluster for a role in that namespace" if not_ else ""
    return [*found, Check("rights", "missing" if not_ else "ok", said, remedy)]


_PROGRAMS = (
    ("git", ("--version",), "runs then say no commit", "apt-get install git"),
    ("docker", ("--version",), "no shells in containers",
     "apt-get install docker.io, or docs.docker.com/engine/install"),
    ("ssh", ("-V",), "no ssh:// Docker hosts", "apt-get install openssh-client"),
)  # fmt: skip


async def _programs(environ: Mapping[str, str]) -> list[Check]:
    async def look(name: str, argv: tuple[str, ...], lacks: str, remedy: str) -> Check:
        path = shutil.which(name, path=environ.get("PATH"))
        shown = f"{name} cli" if name == "docker" else name  # beside the daemon's own line
        if path is None:
            return Check(shown, "missing", lacks, remedy)
        return Check(shown, "ok", await _said(path, *argv))

    return list(await asyncio.gather(*(look(*each) for each in _PROGRAMS)))


async def _disk(environ: Mapping[str, str]) -> list[Check]:
    from mltui.runs.project import Project

    home = Path("~").expanduser()
    places = {"home": home, "here": Path.cwd()}
    found = []
    for name, path in places.items():
        try:
            free = shutil.disk_usage(path).free
        except OSError:
            continue
        said = f"{format_bytes(free)} free at {path}"
        remedy = "`mltui gc` and `docker system df` say what can go" if free < LOW_BYTES else ""
        found.append(Check(f"disk {name}", "broken" if remedy else "ok", said, remedy))
    try:
        project = Project.find(Path.cwd())
        with closing(project.journal()) as journal:
            found.append(Check("project", "ok", f"{project.root}, newest run {journal.latest()}"))
    except MltuiError as error:
        found.append(Check("project", "missing", str(error).partition(":")[0], "`mltui init`"))
    return found
