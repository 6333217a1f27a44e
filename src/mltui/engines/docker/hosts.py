"""Which Docker daemon is meant: a target's host or context, DOCKER_HOST, a Docker context.

Called by `client`. The order is the Docker CLI's (docs "Docker contexts"): an explicit choice, then
DOCKER_HOST, DOCKER_CONTEXT, `currentContext` of its config file, the default socket.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mltui.errors import UsageError

if TYPE_CHECKING:
    from mltui.spec.model import Target

DEFAULT = "unix:///var/run/docker.sock"
_PROXIES = {
    "httpProxy": "http_proxy",
    "httpsProxy": "https_proxy",
    "ftpProxy": "ftp_proxy",
    "allProxy": "all_proxy",
    "noProxy": "no_proxy",
}
_SCHEMES = ("unix", "tcp", "http", "https", "ssh")


@dataclass(frozen=True, slots=True)
class Tls:
    """Where the certificates of a connection are: `ca.pem`, `cert.pem`, `key.pem` in a folder."""

    folder: Path
    is_verified: bool = True


@dataclass(frozen=True, slots=True)
class Host:
    """A Docker daemon's address. `shown` is how it is named to a person."""

    address: str
    origin: str
    """Who chose it: `target dev`, `DOCKER_HOST`, `context build-7`, `default`."""
    tls: Tls | None = None

    @property
    def scheme(self) -> str:
        """`unix`, `tcp` or `ssh`."""
        return self.address.partition("://")[0]

    @property
    def shown(self) -> str:
        """The address with who chose it: `ssh://build-7 (context build)`."""
        parts = urlsplit(self.address)
        address = self.address
        if parts.password is not None:
            address = address.replace(f":{parts.password}@", ":…@", 1)
        return address if self.origin == "default" else f"{address} ({self.origin})"


def is_here(host: Host) -> bool:
    """Whether a daemon is on this machine: its ports and folders are ours too."""
    name = urlsplit(host.address).hostname
    return host.scheme == "unix" or (
        host.scheme == "tcp" and name in ("localhost", "127.0.0.1", "::1")
    )


def config_folder(environ: Mapping[str, str]) -> Path:
    """`$DOCKER_CONFIG`, or `.docker` in the person's home."""
    given = environ.get("DOCKER_CONFIG")
    if given:
        return Path(given)
    return Path(environ.get("HOME") or Path.home()) / ".docker"


def read_config(environ: Mapping[str, str]) -> dict[str, Any]:
    """The Docker CLI's `config.json`; empty when there is none or it is not readable."""
    try:
        data = json.loads((config_folder(environ) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def proxy_variables(environ: Mapping[str, str], host: Host) -> dict[str, str]:
    """The person's proxies for what runs in containers, as the Docker CLI gives them.

    From `proxies` of its config file, for this daemon or `default` (Docker docs, "Use a proxy
    server with the Docker CLI").
    """
    proxies = read_config(environ).get("proxies")
    if not isinstance(proxies, dict):
        return {}
    chosen = proxies.get(host.address) or proxies.get("default")
    found: dict[str, str] = {}
    for option, name in _PROXIES.items():
        value = chosen.get(option) if isinstance(chosen, dict) else None
        if isinstance(value, str) and value:
            found[name.upper()] = found[name] = value
    return found


def resolve(target: Target | None, environ: Mapping[str, str]) -> Host:
    """The daemon that a target means. UsageError for an unknown context or an odd address."""
    if target is not None and target.host:
        return _of_address(target.host, f"target {target.name}", environ)
    if target is not None and target.context:
        return _of_context(target.context, environ)
    if environ.get("DOCKER_HOST"):
        return _of_address(environ["DOCKER_HOST"], "DOCKER_HOST", environ)
    name = environ.get("DOCKER_CONTEXT") or read_config(environ).get("currentContext")
    if isinstance(name, str) and name and name != "default":
        return _of_context(name, environ)
    return Host(DEFAULT, "default")


def _of_address(address: str, origin: str, environ: Mapping[str, str]) -> Host:
    tls = None
    if address.startswith(("tcp://", "https://")) and (
        environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_TLS")
    ):
        given = environ.get("DOCKER_CERT_PATH")
        folder = Path(given) if given else config_folder(environ)
        tls = Tls(folder, bool(environ.get("DOCKER_TLS_VERIFY")))
    return Host(_normal(address, origin), origin, tls)


def _of_context(name: str, environ: Mapping[str, str]) -> Host:
    """A context of the Docker CLI: `contexts/meta/SHA256/meta.json` and `contexts/tls/…`."""
    if name == "default":
        if environ.get("DOCKER_HOST"):
            return _of_address(environ["DOCKER_HOST"], "DOCKER_HOST", environ)
        return Host(DEFAULT, "default")
    folder = config_folder(environ) / "contexts"
    digest = hashlib.sha256(name.encode("utf-8")).hexdigest()
    try:
        data = json.loads((folder / "meta" / digest / "meta.json").read_text(encoding="utf-8"))
        endpoint = data["Endpoints"]["docker"]
        address = endpoint["Host"]
    except FileNotFoundError as error:
        raise UsageError(f"there is no Docker context {name!r}{_near(name, folder)}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the Docker context {name!r} can't be read: {error}") from error
    certificates = folder / "tls" / digest / "docker"
    tls = None
    if not address.startswith(("unix", "ssh")) and (
        certificates.is_dir() or endpoint.get("SkipTLSVerify")
    ):
        tls = Tls(certificates, not endpoint.get("SkipTLSVerify", False))
    return Host(_normal(address, f"context {name}"), f"context {name}", tls)


def contexts(environ: Mapping[str, str]) -> list[str]:
    """The names of the Docker contexts on this machine, `default` among them."""
    names = ["default"]
    for file in sorted((config_folder(environ) / "contexts" / "meta").glob("*/meta.json")):
        try:
            names.append(str(json.loads(file.read_text(encoding="utf-8"))["Name"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return names


def _near(name: str, folder: Path) -> str:
    known = contexts({"DOCKER_CONFIG": str(folder.parent)})
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f": did you mean `{near[0]}`?"
    return f" (there are: {', '.join(known)})"


def _normal(address: str, origin: str) -> str:
    """An address with its scheme and port made plain."""
    if "://" not in address:
        address = f"unix://{address}" if address.startswith("/") else f"tcp://{address}"
    parts = urlsplit(address)
    if parts.scheme not in _SCHEMES:
        raise UsageError(
            f"{origin} names {address!r}: mltui reaches Docker by unix://, tcp:// and ssh://"
        )
    if parts.scheme in ("unix", "ssh"):
        return address
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{origin} names {address!r}, whose port is not a number") from error
    if port is None:
        port = 2376 if parts.scheme == "https" else 2375
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "localhost"
    return f"tcp://{host}:{port}"
