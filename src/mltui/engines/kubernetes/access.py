"""How a context's server is reached and who one is there: address, TLS, credentials, proxy.

Called by `client`, at first and again when credentials have expired or were refused. What stands in
the kubeconfig is read here; what has to be obtained (exec plugins, OIDC, cloud providers) is asked
of the official client in a process of its own, so that a plugin that hangs hangs nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import signal
import ssl
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mltui.engines.kubernetes.kubeconfig import Context, Entry, Kubeconfig
from mltui.errors import Forbidden, UsageError

PLUGIN_S = 60.0
"""A plugin may open a browser or ask a cloud; one that takes longer is ended."""
_TOKEN_FILE_S = 60.0
"""A token file is written anew by whoever rotates it; in a pod that is the kubelet."""
_EARLY_S = 30.0
"""Credentials are renewed so long before they expire."""


@dataclass(frozen=True, slots=True)
class Access:
    """All that is needed to connect. Secrets do not show in its text."""

    server: str
    """`https://host:6443`, perhaps with a path."""
    proxy: str = ""
    is_verified: bool = True
    server_name: str = ""
    authority: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    authorization: str = field(default="", repr=False)
    expires_at: float | None = None
    """When to look for new credentials; None: when they are refused."""

    @property
    def is_over(self) -> bool:
        """New credentials are due."""
        return self.expires_at is not None and time.time() >= self.expires_at

    def tls(self) -> ssl.SSLContext | None:
        """For `https`; ssl.SSLError or OSError when the certificates are unusable."""
        if not self.server.startswith("https://"):
            return None
        context = ssl.create_default_context(cadata=self.authority or None)
        # Python 3.13 asks for extensions that the authorities of many clusters lack.
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        if not self.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            with tempfile.TemporaryDirectory(prefix="mltui-") as folder:
                file = Path(folder) / "client.pem"
                file.touch(mode=0o600)
                file.write_text(f"{self.certificate}\n{self.key}\n", encoding="utf-8")
                context.load_cert_chain(file)
        return context


async def open_access(config: Kubeconfig, context: Context, environ: Mapping[str, str]) -> Access:
    """How to reach a context now.

    UsageError when the kubeconfig is incomplete; Forbidden when credentials can't be obtained.
    """
    access = await asyncio.to_thread(_read, config, context, environ)
    if not config.obtains_credentials(context):
        return access
    given = await _obtain(config, context, environ)
    expires_at = given.get("expires_at")
    return replace(
        access,
        authorization=str(given.get("authorization") or access.authorization),
        certificate=str(given.get("certificate") or access.certificate),
        key=str(given.get("key") or access.key),
        expires_at=float(expires_at) - _EARLY_S if expires_at is not None else None,
    )


def _read(config: Kubeconfig, context: Context, environ: Mapping[str, str]) -> Access:
    cluster = config.clusters.get(context.cluster)
    if cluster is None or not cluster.values.get("server"):
        raise UsageError(
            f"context {context.name} names the cluster `{context.cluster}`, which the kubeconfig "
            "does not have, or which has no server"
        )
    user = config.users.get(context.user, Entry({}, cluster.folder))
    if context.user and context.user not in config.users:
        raise UsageError(
            f"context {context.name} names the user `{context.user}`, "
            "which the kubeconfig does not have"
        )
    server = str(cluster.values["server"]).rstrip("/")
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"the cluster `{context.cluster}` has an odd server: {server!r}")
    authorization, expires_at = _authorization(user, context)
    return Access(
        server=server,
        proxy=str(cluster.values.get("proxy-url") or _proxy_of(parts.hostname, server, environ)),
        is_verified=not cluster.values.get("insecure-skip-tls-verify"),
        server_name=str(cluster.values.get("tls-server-name") or ""),
        authority=_pem(cluster, "certificate-authority", context),
        certificate=_pem(user, "client-certificate", context),
        key=_pem(user, "client-key", context),
        authorization=authorization,
        expires_at=expires_at,
    )


def _authorization(user: Entry, context: Context) -> tuple[str, float | None]:
    values = user.values
    if values.get("token"):
        return f"Bearer {str(values['token']).strip()}", None
    if values.get("tokenFile"):
        path = user.folder / str(values["tokenFile"])
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise UsageError(
                f"the token of {context.name} in {path} can't be read: {error}"
            ) from error
        return f"Bearer {token}", time.time() + _TOKEN_FILE_S
    if values.get("username") is not None and values.get("password") is not None:
        login = f"{values['username']}:{values['password']}".encode()
        return f"Basic {base64.b64encode(login).decode('ascii')}", None
    return "", None


def _pem(entry: Entry, name: str, context: Context) -> str:
    """A certificate or key: in the kubeconfig itself, else in a file beside it."""
    data, file = entry.values.get(f"{name}-data"), entry.values.get(name)
    try:
        if data:
            return base64.b64decode(str(data), validate=False).decode("ascii")
        if file:
            return (entry.folder / str(file)).read_text(encoding="ascii")
    except (OSError, ValueError, binascii.Error) as error:
        raise UsageError(f"the {name} of {context.name} can't be read: {error}") from error
    return ""


def _proxy_of(host: str, server: str, environ: Mapping[str, str]) -> str:
    """The person's proxy for this server (HTTPS_PROXY, NO_PROXY); none for this machine itself."""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return ""
    scheme = "https_proxy" if server.startswith("https") else "http_proxy"
    proxy = environ.get(scheme) or environ.get(scheme.upper()) or ""
    no = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if not proxy:
        return ""
    from urllib import request  # dear, and seldom needed

    # typeshed does not know it
    bypasses = request.proxy_bypass_environment  # type: ignore[attr-defined]
    return "" if bypasses(host, {"no": no}) else proxy


async def _obtain(
    config: Kubeconfig, context: Context, environ: Mapping[str, str]
) -> dict[str, Any]:
    """Have the official client run the plugin or refresh the token."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mltui.engines.kubernetes.credentials",
        context.name, os.pathsep.join(str(file.absolute()) for file in config.files),
        env={**environ, "PYTHONSAFEPATH": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PLUGIN_S):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise Forbidden(
            f"what gives the credentials for {context.name} did not answer in {PLUGIN_S:.0f}s: "
            "run its command once by hand"
        ) from error
    finally:
        if process.returncode is None:
            _end(process)
            await process.wait()
    said = err.decode("utf-8", "replace").strip().splitlines()
    last = said[-1] if said else "it says nothing"
    try:
        given = json.loads(out) if process.returncode == 0 else None
    except ValueError:
        given = None
    if not isinstance(given, dict) or not (given["authorization"] or given["certificate"]):
        raise Forbidden(f"there are no credentials for {context.name}: {last[:300]}")
    return given


def _end(process: asyncio.subprocess.Process) -> None:
    """The process and the plugin it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
