"""Shells in containers: in a new one like a stage's, in one that runs, beside one that runs.

Called by the engine for stages and by `live.verbs.shell` for any container. The terminal is the
docker program's work (`docker start -ai`, `docker exec -it`); what it is given, and what is removed
afterwards, is decided here.
"""

from __future__ import annotations

import os
import shlex
import shutil
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mltui.engines.docker import beforestep, container, toolbox
from mltui.engines.docker.beforestep import Before
from mltui.engines.docker.client import Client, DockerError
from mltui.engines.docker.container import VIEW
from mltui.engines.docker.hosts import proxy_variables
from mltui.engines.docker.names import NAME, container_name
from mltui.engines.protocol import Attempt, Built
from mltui.engines.shells import AGAIN, Shell, Wanted, again_script
from mltui.errors import Conflict, StartFailed, Unreachable

SHELL = "mltui.shell"
"""Label of a container that was made for a shell."""
_INSIDE = f"/{container.ROOT}/shell"
_ATTACHED = {
    "OpenStdin": True,
    "StdinOnce": True,
    "AttachStdin": True,
    "AttachStdout": True,
    "AttachStderr": True,
}
NO_CLI = "a shell in a container needs the docker command here: it is not on your PATH"


def shell_body(
    attempt: Attempt,
    wanted: Wanted,
    image: str,
    image_env: Mapping[str, str],
    proxies: Mapping[str, str],
) -> dict[str, Any]:
    """The body of "create a container": the stage's own, with a shell in place of its command."""
    body = container.create_body(attempt, image, image_env, proxies)
    labels = {name: text for name, text in body["Labels"].items() if name != NAME}
    body["HostConfig"].pop("LogConfig")
    body["HostConfig"]["AutoRemove"] = True
    return {
        **body,
        "Labels": {**labels, SHELL: attempt.name},
        "Entrypoint": [_INSIDE],
        "Cmd": ["-c", wanted.command] if wanted.command else [],
        "Tty": wanted.is_terminal,
        **_ATTACHED,
    }


class Shells:
    """Shells in the place of attempts of one engine. `fill`: puts an attempt's files into a
    container; `look`: at an image."""

    def __init__(
        self,
        client: Client,
        fill: Callable[[Attempt, str], Awaitable[None]],
        look: Callable[[str], Awaitable[Mapping[str, Any]]],
    ) -> None:
        self._client = client
        self._fill = fill
        self._look = look

    async def shell(self, attempt: Attempt, wanted: Wanted) -> Shell:
        """See `ShellEngine`: a new container of the attempt's image, filled like the attempt's."""
        client = self._client
        if attempt.built is None:
            raise StartFailed(f"{wanted.label} has no image: its environment was never built")
        image = attempt.built.location
        _docker()
        try:
            variables = container.read_env((await self._look(image)).get("Config") or {})
            proxies = proxy_variables(client.environ, client.host)
            body = shell_body(attempt, wanted, image, variables, proxies)
            query = {"name": f"{container_name(attempt.name)}-shell-{uuid.uuid4().hex[:6]}"}
            made = str((await client.json("POST", "/containers/create", query, body))["Id"])
        except DockerError as error:
            if "no such image" in error.message.lower():
                raise StartFailed(
                    f"the image of {wanted.label} is gone from {client.host.shown}: retry builds "
                    "it again"
                ) from error
            raise StartFailed(container.refusal(attempt, error.message)) from error
        try:
            await self._fill(attempt, made)
            again = partial(again_script, attempt.argv, folder=VIEW.work)
            await furnish(client, made, image, wanted, again)
        except DockerError as error:
            await remove(client, made)
            raise StartFailed(container.refusal(attempt, error.message)) from error
        except BaseException:
            await remove(client, made)
            raise
        return replace(attached(client, made, attempt.folder), again=AGAIN)

    async def before(
        self, before: Before, image: Mapping[str, Any], wanted: Wanted, folder: Path
    ) -> Shell:
        """A shell in the state before a build's step. StartFailed, Unreachable."""
        client, config = self._client, image.get("Config") or {}
        _docker()
        shell = tuple(config.get("Shell") or ("/bin/sh", "-c"))
        again = beforestep.again(before.instruction, shell)
        exports = "".join(
            f"export {name}={shlex.quote(value)}\n" for name, value in before.args.items()
        )
        where = shlex.quote(config.get("WorkingDir") or "/")

        def script(shebang: str) -> str:
            return f"#!{shebang}\n{exports}cd {where} && {again}\n"

        body = {
            "Image": before.image,
            "Entrypoint": [_INSIDE],
            "Cmd": ["-c", wanted.command] if wanted.command else [],
            "Labels": {SHELL: wanted.label},
            "Healthcheck": {"Test": ["NONE"]},
            "Tty": wanted.is_terminal,
            **_ATTACHED,
            "HostConfig": {"AutoRemove": True},
        }
        query = {"name": f"mltui-before-{uuid.uuid4().hex[:8]}"}
        made = ""
        try:
            made = str((await client.json("POST", "/containers/create", query, body))["Id"])
            can_do_again = script if again is not None else None
            await furnish(client, made, before.image, wanted, can_do_again, exports)
        except DockerError as error:
            await remove(client, made)
            raise StartFailed(f"no shell before {before.place}: {error.message}") from error
        except BaseException:
            await remove(client, made)
            raise
        notes = tuple(beforestep.notes(before, again is not None))
        return replace(attached(client, made, folder), notes=notes)

    async def shell_inside(self, obj: str, wanted: Wanted) -> Shell | None:
        """See `ShellEngine`: in the container that runs, with a busybox where it has no shell."""
        client = self._client
        try:
            command = await command_inside(client, obj, wanted)
            if command is None:
                command = await put_tools(client, obj)
        except DockerError as error:
            raise StartFailed(f"no shell in the container of {wanted.label}: {error}") from error
        return inside(client, obj, command, home(), is_terminal=wanted.is_terminal)

    def built_as(self, key: str) -> Built | None:
        """See `ShellEngine`: an attempt's image is known by its digest."""
        return None

    async def end_shell(self, shell: Shell) -> None:
        """See `ShellEngine`."""
        if shell.object:
            await remove(self._client, shell.object)


async def furnish(
    client: Client,
    obj: str,
    image: str,
    wanted: Wanted,
    again: Callable[[str], str] | None,
    exports: str = "",
) -> None:
    """Put the shell, and what it is about as a program, into a container that is not started.

    `again` makes that program, given the shell that it is for; `exports` is done first in the
    shell. StartFailed when its image has no shell and none can be put in. Unreachable.
    """
    own = await toolbox.find_shell(client, obj)
    busybox = b""
    if own is None:
        found = await client.json("GET", f"/images/{image}/json")
        busybox = await toolbox.read_busybox(client, str(found.get("Architecture", "")))
    shebang = own or f"{toolbox.BUSYBOX} sh"
    files = {
        _INSIDE[1:]: (_shell_script(own, wanted, exports), 0o755),
    }
    if again is not None:
        files[f"{container.ROOT}/{AGAIN}"] = (again(shebang), 0o755)
    await toolbox.put(client, obj, toolbox.tools_archive(busybox, files))


def _shell_script(own: str | None, wanted: Wanted, exports: str) -> str:
    """The first program of a shell's container: the best shell there is, with a telling prompt."""
    label = "".join(char for char in wanted.label if char.isprintable() and char not in "'\\$`")
    if own is None:
        return (
            f"#!{toolbox.BUSYBOX} sh\n{exports}"
            f'export PATH="$PATH:{toolbox.TOOLS}/bin:/{container.ROOT}"\n'
            f"export PS1='({label}) \\W \\$ '\n"
            f"{toolbox.BUSYBOX} --install -s {toolbox.TOOLS}/bin 2>/dev/null\n"
            f'exec {toolbox.BUSYBOX} sh "$@"\n'
        )
    return (
        f"#!{own}\n{exports}"
        f'export PATH="$PATH:/{container.ROOT}"\n'
        "if command -v bash >/dev/null 2>&1; then\n"
        f"  export PS1='({label}) \\W \\$ '\n"
        '  exec bash --noprofile --norc "$@"\n'
        "fi\n"
        f"export PS1='({label}) $ '\n"
        f'exec {own} "$@"\n'
    )


def attached(client: Client, obj: str, cwd: Path) -> Shell:
    """The program that starts a shell's container and gives it the terminal."""
    return Shell(_docker("start", "--attach", "--interactive", obj), cli_environ(client), cwd, obj)


def inside(
    client: Client, obj: str, shell: Sequence[str], cwd: Path, *, is_terminal: bool = True
) -> Shell:
    """The program that runs a shell in a container that runs."""
    options = ("-it",) if is_terminal else ("-i",)
    return Shell(_docker("exec", *options, obj, *shell), cli_environ(client), cwd)


def _docker(*words: str) -> tuple[str, ...]:
    if shutil.which("docker") is None:
        raise StartFailed(NO_CLI)
    return ("docker", *words)


def cli_environ(client: Client) -> dict[str, str]:
    """The person's variables, with those by which the docker program means the same daemon."""
    env = {
        name: value
        for name, value in client.environ.items()
        if name not in ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
    }
    env["DOCKER_HOST"] = client.host.address
    if (tls := client.host.tls) is not None:
        env["DOCKER_CERT_PATH"] = str(tls.folder)
        env["DOCKER_TLS_VERIFY" if tls.is_verified else "DOCKER_TLS"] = "1"
    return env


async def command_inside(client: Client, obj: str, wanted: Wanted) -> list[str] | None:
    """What to execute in a running container for a shell; None: it has none of its own."""
    own = await toolbox.find_shell(client, obj)
    if own is None:
        return None
    if wanted.command:
        return [own, "-c", wanted.command]
    return [own, "-c", f"command -v bash >/dev/null 2>&1 && exec bash; exec {own}"]


async def put_tools(client: Client, obj: str) -> list[str]:
    """Put a busybox into a running container; what to execute there.

    Conflict when its file system is read-only; StartFailed when there is no busybox for it.
    """
    found = await client.json("GET", f"/containers/{obj}/json")
    if (found.get("HostConfig") or {}).get("ReadonlyRootfs"):
        raise Conflict("its file system is read-only")
    image = await client.json("GET", f"/images/{found['Image']}/json")
    busybox = await toolbox.read_busybox(client, str(image.get("Architecture", "")))
    await toolbox.put(client, obj, toolbox.tools_archive(busybox))
    return _busybox_shell()


def _busybox_shell() -> list[str]:
    start = (
        f"b={toolbox.BUSYBOX}; $b --install -s {toolbox.TOOLS}/bin 2>/dev/null; "
        f"export PATH=\"$PATH:{toolbox.TOOLS}/bin\" PS1='\\w \\$ '; exec $b sh"
    )
    return [toolbox.BUSYBOX, "sh", "-c", start]


async def take_tools(client: Client, obj: str) -> None:
    """Remove the busybox again; what is gone, or can't be written, is no matter."""
    argv = [toolbox.BUSYBOX, "rm", "-rf", toolbox.TOOLS]
    with suppress(DockerError, Unreachable):
        body = {"Cmd": argv, "User": "0", "AttachStdout": False, "AttachStderr": False}
        made = await client.json("POST", f"/containers/{obj}/exec", None, body)
        await client.json("POST", f"/exec/{made['Id']}/start", None, {"Detach": True})


async def beside(client: Client, obj: str, cwd: Path, *, is_terminal: bool = True) -> Shell:
    """A debug container: the same image with a busybox, in the processes and the network of one.

    It sees the other's files under `/proc/1/root`, and its volumes. StartFailed, DockerError.
    """
    found = await client.json("GET", f"/containers/{obj}/json")
    image = await client.json("GET", f"/images/{found['Image']}/json")
    busybox = await toolbox.read_busybox(client, str(image.get("Architecture", "")))
    name = str(found.get("Name", "")).lstrip("/")
    body = {
        "Image": found["Image"],
        "User": "0",
        "Env": (found.get("Config") or {}).get("Env") or [],
        "Entrypoint": _busybox_shell(),
        "Cmd": [],
        "WorkingDir": "/",
        "Labels": {SHELL: name},
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": is_terminal,
        **_ATTACHED,
        "HostConfig": {
            "AutoRemove": True,
            "PidMode": f"container:{obj}",
            "NetworkMode": f"container:{obj}",
            "VolumesFrom": [obj],
            "CapAdd": ["SYS_PTRACE"],
        },
    }
    query = {"name": f"{name}-debug-{uuid.uuid4().hex[:6]}"}
    made = str((await client.json("POST", "/containers/create", query, body))["Id"])
    try:
        await toolbox.put(client, made, toolbox.tools_archive(busybox))
        return attached(client, made, cwd)
    except BaseException:
        await remove(client, made)
        raise


async def remove(client: Client, obj: str) -> None:
    """Remove a container that was made for a shell; harmless when it is gone, or never came."""
    if not obj:
        return
    with suppress(DockerError, Unreachable):
        await client.json("DELETE", f"/containers/{obj}", {"v": "1", "force": "1"})


def home() -> Path:
    """A folder of this machine for the docker program to stand in."""
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - `Path.home` fails without one
