"""Versions of one deployment, ready to be made replicas of: plan, engine, environment.

Used by both keepers. A plan is made once a version; its environment is the one that the version
was made with, so that what was promoted or rolled back is not built anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from mltui.engines.protocol import Engine
from mltui.serving.ledger import Ledger
from mltui.serving.making import Maker
from mltui.serving.replicas import Plan
from mltui.serving.rows import BuiltAs, Version
from mltui.spec.model import Service


class Plans:
    """The plans of a deployment's versions."""

    def __init__(self, ledger: Ledger, maker: Maker) -> None:
        self._ledger, self._maker = ledger, maker
        self._ready: dict[int, Plan] = {}
        self._bare: dict[int, Plan] = {}
        self.service: Service | None = None
        """As the version that was looked at last has it."""

    async def ready(self, version: Version) -> Plan:
        """A version to start replicas of. BuildFailed, StoreError, SpecError, Unreachable."""
        plan = self._ready.get(version.number)
        if plan is None:
            plan = await asyncio.to_thread(self._maker.plan, version)
            ready = await self._maker.environment(plan, self._maker.engine(plan))
            if ready is not None:
                plan.built = ready.built
                built = BuiltAs(ready.built.key, ready.resolved, ready.built.location)
                if version.built != built:
                    plan.version = self._ledger.set_built(version, built)
            self._ready[version.number] = plan
        self.service = plan.service
        return plan

    async def bare(self, number: int, version: Version) -> Plan:
        """One without its environment: nothing can be started from it."""
        plan = self._ready.get(number) or self._bare.get(number)
        if plan is None:
            plan = self._bare[number] = await asyncio.to_thread(self._maker.plan, version)
        self.service = plan.service
        return plan

    def engine(self, plan: Plan) -> Engine:
        """What its replicas run on."""
        return self._maker.engine(plan)

    def forget(self, but: Collection[int]) -> None:
        """Of all others nothing is started any more."""
        for plans in (self._ready, self._bare):
            for number in [n for n in plans if n not in but]:
                del plans[number]
