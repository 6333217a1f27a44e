"""Which clusters a person knows: kubeconfig files, as kubectl reads them, and the pod we run in.

Called by `access` and by whoever lists contexts. Reading names needs no credentials and runs no
plugin. The merge is kubectl's (docs "Organizing cluster access"): of two entries with one name the
first file's counts, and the first file that sets `current-context` does; the official Python
client takes the last, so it is not used for that.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mltui.errors import UsageError

IN_CLUSTER = "in-cluster"
"""The context of a pod's own service account."""
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Entry:
    """A named part of a kubeconfig, and the folder that its paths are relative to."""

    values: Mapping[str, Any]
    folder: Path


@dataclass(frozen=True, slots=True)
class Context:
    """A cluster, who one is there, and the namespace one works in."""

    name: str
    cluster: str = ""
    user: str = ""
    namespace: str = "default"


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """All files together."""

    contexts: Mapping[str, Context] = field(default_factory=dict)
    clusters: Mapping[str, Entry] = field(default_factory=dict)
    users: Mapping[str, Entry] = field(default_factory=dict, repr=False)
    current: str = ""
    files: tuple[Path, ...] = ()
    """Those that were read."""

    def context(self, name: str | None = None) -> Context:
        """A context by name, the current one without. UsageError when there is none."""
        wanted = name or self.current
        found = self.contexts.get(wanted)
        if found is not None:
            return found
        if not self.contexts:
            where = f" in {', '.join(map(str, self.files))}" if self.files else ""
            raise UsageError(
                f"no Kubernetes cluster is known here{where}: set KUBECONFIG, "
                "or put a kubeconfig at ~/.kube/config"
            )
        known = ", ".join(self.contexts)
        if not wanted:
            raise UsageError(f"no Kubernetes context is chosen: name one of {known}")
        near = difflib.get_close_matches(wanted, self.contexts, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are: {known}"
        raise UsageError(f"there is no Kubernetes context `{wanted}`: {hint}")

    def obtains_credentials(self, context: Context) -> bool:
        """Whether a program has to be run, or somebody asked, for a context's credentials."""
        user = self.users.get(context.user)
        return user is not None and ("exec" in user.values or "auth-provider" in user.values)


def paths(environ: Mapping[str, str]) -> list[Path]:
    """The files that `KUBECONFIG` names, or `~/.kube/config`; they need not exist."""
    home = Path(environ.get("HOME") or Path.home())
    given = [each for each in environ.get("KUBECONFIG", "").split(":") if each]
    if not given:
        return [home / ".kube" / "config"]
    return [home / each[2:] if each.startswith("~/") else Path(each) for each in given]


def read_kubeconfig(environ: Mapping[str, str]) -> Kubeconfig:
    """Read and merge all of them; what is missing is left out. UsageError when one is broken."""
    contexts: dict[str, Context] = {}
    clusters: dict[str, Entry] = {}
    users: dict[str, Entry] = {}
    files: list[Path] = []
    current = ""
    for path in paths(environ):
        found = _read(path)
        if found is None:
            continue
        files.append(path)
        folder = path.absolute().parent
        for name, values in _named(found, "contexts", "context", path):
            context = Context(
                name,
                str(values.get("cluster") or ""),
                str(values.get("user") or ""),
                str(values.get("namespace") or "default"),
            )
            contexts.setdefault(name, context)
        for name, values in _named(found, "clusters", "cluster", path):
            clusters.setdefault(name, Entry(values, folder))
        for name, values in _named(found, "users", "user", path):
            users.setdefault(name, Entry(values, folder))
        current = current or str(found.get("current-context") or "")
    if not contexts and environ.get("KUBERNETES_SERVICE_HOST"):
        return _in_cluster(environ)
    return Kubeconfig(contexts, clusters, users, current, tuple(files))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"the kubeconfig {path} can't be read: {error.strerror}") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(text, loader)  # one of the safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        said = getattr(error, "problem", None) or "it can't be read"
        raise UsageError(f"the kubeconfig {path}{where} is not YAML: {said}") from error
    if found is None:
        return None
    if not isinstance(found, dict):
        raise UsageError(f"the kubeconfig {path} is not one: it holds no mapping")
    return found


def _named(found: Mapping[str, Any], many: str, one: str, path: Path) -> list[tuple[str, Any]]:
    listed = found.get(many) or []
    if not isinstance(listed, list):
        raise UsageError(f"the kubeconfig {path} is broken: `{many}` is not a list")
    out = []
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise UsageError(f"the kubeconfig {path} is broken: an entry of `{many}` has no name")
        values = each.get(one) or {}
        if not isinstance(values, dict):
            raise UsageError(f"the kubeconfig {path} is broken: `{one}` of {each['name']}")
        out.append((each["name"], values))
    return out


def _in_cluster(environ: Mapping[str, str]) -> Kubeconfig:
    host = environ["KUBERNETES_SERVICE_HOST"]
    port = environ.get("KUBERNETES_SERVICE_PORT") or "443"
    namespace = "default"
    try:
        namespace = (_ACCOUNT / "namespace").read_text(encoding="utf-8").strip() or namespace
    except OSError:
        return Kubeconfig()
    address = f"[{host}]" if ":" in host else host
    cluster = {
        "server": f"https://{address}:{port}",
        "certificate-authority": str(_ACCOUNT / "ca.crt"),
    }
    return Kubeconfig(
        {IN_CLUSTER: Context(IN_CLUSTER, IN_CLUSTER, IN_CLUSTER, namespace)},
        {IN_CLUSTER: Entry(cluster, _ACCOUNT)},
        {IN_CLUSTER: Entry({"tokenFile": str(_ACCOUNT / "token")}, _ACCOUNT)},
        IN_CLUSTER,
    )
