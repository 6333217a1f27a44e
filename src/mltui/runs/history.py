"""Which project each attempt of a run began with: a retry takes the project anew.

Kept by `running`. An attempt that is still at work when the project changes must be judged by the
outputs and the timeout that it began with, also by a runner that finds it after a crash.
"""

from __future__ import annotations

from collections.abc import Iterable

from mltui.pipeline.model import AttemptStarting, Event, RunPlanned, StageCached, StageKeyed
from mltui.pipeline.plan import Plan
from mltui.pipeline.rows import Instance
from mltui.runs.keys import Key
from mltui.runs.planning import Blueprint, blueprint_of
from mltui.runs.store import Store


class History:
    """The blueprints of one run, by its RunPlanned events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[float, str], Blueprint] = {}
        self._now: Blueprint | None = None
        self._starts: dict[tuple[Instance, int], Blueprint] = {}

    def offer(self, event: RunPlanned, blueprint: Blueprint) -> None:
        """What this event stands for, so that it need not be read again."""
        self._known[event.at, event.spec] = blueprint

    def planned(self, event: RunPlanned) -> Blueprint:
        """The project that an event stands for, from now on the present one.

        StoreError or SpecError when it can't be read again.
        """
        key = (event.at, event.spec)
        if key not in self._known:
            self._known[key] = blueprint_of(event, self._store)
        self._now = self._known[key]
        return self._now

    @property
    def present(self) -> Blueprint:
        """The project as the newest RunPlanned took it."""
        assert self._now is not None
        return self._now

    def plan_for(self, event: RunPlanned) -> Plan:
        """For the scheduler."""
        return self.planned(event).plan

    def starting(self, event: AttemptStarting) -> None:
        """An attempt begins, with the present project."""
        if self._now is not None:
            self._starts[event.instance, event.attempt] = self._now

    def blueprint_of(self, instance: Instance, attempt: int) -> Blueprint:
        """The project that an attempt began with. KeyError for one that never began."""
        return self._starts[instance, attempt]

    def read(self, events: Iterable[Event]) -> dict[Instance, Key]:
        """Take note of a journal's events; the keys of the instances' present attempts."""
        keys = {}
        for event in events:
            if isinstance(event, RunPlanned):
                self.planned(event)
            elif isinstance(event, AttemptStarting):
                self.starting(event)
            elif isinstance(event, StageKeyed | StageCached):
                keys[event.instance] = Key(event.key, event.parts)
        return keys
