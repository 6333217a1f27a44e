"""Rows of the journal that are not a stage's: runs, builds, requests, kept results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mltui.pipeline.rows import Artifact, State


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a person (or a monitor) asked for when a run was queued."""

    target: str = "local"
    stages: tuple[str, ...] = ()
    start_from: tuple[str, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)
    """`--set`: param → YAML text."""
    jobs: int | None = None
    trigger: str = "person"
    """Who or what started it, in words: "person", "monitor drift: psi 0.31, limit 0.2"."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of `mltui ls runs`. Times are Unix seconds."""

    number: int
    state: State
    target: str
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    reason: str = ""
    exit_code: int | None = None
    trigger: str = "person"
    commit: str | None = None
    """Git commit of the project when it started, None outside git."""
    dirty: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The accepted rounds' metrics, `evaluate.accuracy` by stage."""
    request: RunRequest = field(default_factory=RunRequest)
    pinned: bool = False
    spec: str | None = None
    """Digest of the text of `mltui.yaml` in the store."""
    idle_s: float = 0.0
    """How long it was over, or waited for a decision, before it was gone on with."""

    def took_s(self, now: float | None = None) -> float | None:
        """Seconds that it was at work, until `now` if it still is; None where it can't be said."""
        end = self.ended_at if self.ended_at is not None else now
        if self.started_at is None or end is None:
            return None
        return max(0.0, end - self.started_at - self.idle_s)


@dataclass(frozen=True, slots=True)
class Note:
    """What a person says of a run."""

    text: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildRow:
    """One build of an environment, with its own log."""

    id: str
    environment: str
    engine: str
    key: str
    state: State
    started_at: float
    ended_at: float | None = None
    log: str = ""
    """Path of the log, relative to `.mltui`."""
    reason: str = ""
    run: int | None = None
    resolved: str | None = None
    """Digest in the store of what was installed (one `name==version` a line)."""


@dataclass(frozen=True, slots=True)
class Result:
    """A finished result that a later run may take from the cache."""

    key: str
    stage: str
    source: str
    at: float
    outputs: Mapping[str, Artifact]
    metrics: Mapping[str, float]
    parts: Mapping[str, str]
    log: str = ""
    """Folder of the attempt that made it, relative to `.mltui`."""


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked of the runner: kind is cancel, retry or decide."""

    id: int
    run: int
    kind: str
    data: Mapping[str, Any]
    by: str
    at: float
    handled_at: float | None = None
    answer: str = ""
    """Empty: done. Otherwise why it could not be."""
