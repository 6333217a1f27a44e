"""What triage knows of hosts: sick containers of Docker, the objects of a cluster.

Owned by `Triaging`, which is told when something became different. Follows the live tables: a
container is read when its row changes, a cluster is looked at when its pods change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mltui.errors import MltuiError, Unreachable

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench
    from mltui.live.facts import Clinic
    from mltui.live.kube.cluster import Clusters
    from mltui.live.kube.feed import View
    from mltui.live.kube.place import Where
    from mltui.live.table import Changes, Table
    from mltui.triage.facts import ContainerFact, Facts, HostFact
    from mltui.triage.kube import KubeFacts

Told = Callable[[], Coroutine[Any, Any, None]]
CLUSTER_PAUSE_S = 5.0
"""Between two looks at a cluster whose pods change."""


class DockerFacts:
    """A Docker host, from the first time it is asked for."""

    def __init__(self, bench: Workbench, told: Told) -> None:
        self._bench, self._told = bench, told
        self.host: HostFact | None = None
        self._containers: tuple[ContainerFact, ...] = ()
        self._clinic: Clinic | None = None
        self._table: Table[Any] | None = None

    def put(self, facts: Facts) -> Facts:
        """The facts with what is known of it."""
        return facts if self.host is None else facts.with_host(self.host, self._containers)

    async def follow(self) -> None:
        """Look at it from now on."""
        if self._table is not None:
            return
        from mltui.live.facts import Clinic

        lists = await self._bench.listing.lists()
        feed = lists.docker.feed
        self._clinic = Clinic(feed.daemon)
        self._table = feed.table("containers")
        self._table.listen(self._changed)
        if self._table.is_loaded:
            self._soon()

    def _changed(self, changes: Changes[Any]) -> None:
        self._soon()

    def _soon(self) -> None:
        self._bench.run_worker(self._examine(), group="clinic", exclusive=True, exit_on_error=True)

    async def _examine(self) -> None:
        from mltui.triage.facts import HostFact

        table, clinic = self._table, self._clinic
        if table is None or clinic is None:
            return
        if table.is_stale:
            if self.host is None or self.host.is_up:
                now = self._bench.session.now()
                self.host = HostFact(table.name, "docker", False, table.why, now)
        elif table.is_loaded:
            try:
                self._containers = await clinic.look(list(table.rows.values()))
            except Unreachable:
                return  # the table says so in a moment
            self.host = HostFact(table.name, "docker")
        await self._told()


class ClusterFacts:
    """The places of Kubernetes that the project uses, or that the person looks at."""

    def __init__(self, bench: Workbench, told: Told) -> None:
        self._bench, self._told = bench, told
        self.hosts: tuple[HostFact, ...] = ()
        self._kube: tuple[KubeFacts, ...] = ()
        self._unseen: tuple[str, ...] = ()
        self._clusters: Clusters | None = None
        self._where: Where = ()
        self._view: View | None = None
        self._looked_at = float("-inf")
        self._waits = False

    def put(self, facts: Facts) -> Facts:
        """The facts with what is known of it."""
        unseen = self._unseen
        for host in self.hosts:
            found = next((each for each in self._kube if each.cluster == host.name), facts.kube)
            facts = facts.with_kube(found, host, unseen)
            unseen = ()
        return replace(facts, unseen=(*facts.unseen, *unseen)) if unseen else facts

    async def follow(self, *, is_used: bool) -> None:
        """Look there from now on. `is_used`: the project has targets there."""
        from mltui.live.kinds.kube.pods import KIND
        from mltui.live.kube.feed import View
        from mltui.live.kube_facts import places_of

        lists = await self._bench.listing.lists()
        if not is_used and not lists.kube.is_used:
            return
        try:
            feed = await lists.kube.feed()
            spec = self._bench.session.spec
            where = places_of(feed.clusters, spec) if is_used else feed.where
        except MltuiError as error:
            self._unseen = (str(error),)
            return
        if where == self._where:
            return
        self._clusters, self._where = feed.clusters, where
        if self._view is None:
            self._view = View(KIND, feed.clusters, "")
            self._view.table.listen(self._changed)
        self._view.go(where)
        self._soon()

    async def close(self) -> None:
        """The app ends."""
        if self._view is not None:
            await self._view.close()

    def _changed(self, changes: Changes[Any]) -> None:
        self._soon()

    def _soon(self) -> None:
        if self._waits:
            return
        passed = asyncio.get_running_loop().time() - self._looked_at
        self._waits = True
        if passed >= CLUSTER_PAUSE_S:
            self._begin()
        else:
            self._bench.set_timer(CLUSTER_PAUSE_S - passed, self._begin)

    def _begin(self) -> None:
        self._waits = False
        self._looked_at = asyncio.get_running_loop().time()
        self._bench.run_worker(self._look(), group="cluster", exclusive=True, exit_on_error=True)

    async def _look(self) -> None:
        from mltui.live.kube_facts import look

        if self._clusters is not None:
            self._kube, self.hosts, self._unseen = await look(self._clusters, self._where)
            await self._told()
