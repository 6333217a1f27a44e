"""What a deploy, a rollback or a promotion would change, in lines for people.

Shown by the CLI before it acts and by the app's preview: artifact and environment by their hashes,
so that it is seen that the same things move and nothing is rebuilt.
"""

from __future__ import annotations

from mltui.serving.client import Change
from mltui.serving.rows import Served, Version
from mltui.text.format import format_bytes

SHORT = 12


def change_lines(change: Change) -> list[str]:
    """The preview of a change."""
    before, after = change.before, change.version
    step = f"version {before.number} → new version" if before is not None else "first version"
    lines = [f"{change.deployment}  {step}  {change.replicas} replicas"]
    if change.port is not None:
        lines[0] += f"  port {change.port}"
    lines.append(_line("run", _run(before), _run(after)))
    for name, served in after.inputs.items():
        old = before.inputs.get(name) if before is not None else None
        lines.append(_line(name, _served(old), _served(served)))
    lines.append(_line("code", _short(before.code if before else ""), _short(after.code)))
    lines.append(_line("environment", _built(before), _built(after)))
    lines.extend(_metric_lines(before, after))
    return lines


def short(digest: str) -> str:
    """The beginning of a digest, enough to tell two apart."""
    return _short(digest)


def _line(what: str, before: str, after: str) -> str:
    if not before:
        return f"  {what:<12}  {after}"
    return f"  {what:<12}  {after}  (the same)" if before == after else (
        f"  {what:<12}  {before} → {after}"
    )  # fmt: skip


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:SHORT]


def _run(version: Version | None) -> str:
    return "" if version is None or version.run is None else f"run {version.run}"


def _served(served: Served | None) -> str:
    if served is None:
        return ""
    if served.artifact is None:
        return f"{len(served.items)} items"
    size = f" {format_bytes(served.artifact.size_bytes)}" if served.artifact.size_bytes else ""
    return f"{_short(served.artifact.digest)}{size}"


def _built(version: Version | None) -> str:
    if version is None:
        return ""
    if version.built is None:
        return f"{version.engine}, made ready when it starts"
    place = version.built.location if version.engine != "process" else version.built.resolved
    return f"{version.engine} {_short(place)}"


def _metric_lines(before: Version | None, after: Version) -> list[str]:
    lines = []
    axes = ("step", "epoch")
    for name, value in after.metrics.items():
        if name.rpartition(".")[2] in axes:
            continue
        old = before.metrics.get(name) if before is not None else None
        if before is None or old != value:
            text = f"{value:.4g}" if old is None else f"{old:.4g} → {value:.4g}"
            lines.append(f"  {name:<12}  {text}")
    return lines[-6:]
