"""What triage knows of hosts: sick containers of Docker, the objects of clusters.

Owned by `Triaging`, which is told when something became different. Nothing is polled: a container
is read when its row changes, a cluster's objects come by their watches.
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
    from mltui.live.kube.ward import Ward
    from mltui.live.table import Changes, Table
    from mltui.triage.examination import Examination
    from mltui.triage.facts import ContainerFact, Facts, HostFact

Told = Callable[[], Coroutine[Any, Any, None]]


def _load() -> None:
    """What following takes, loaded away from the screen."""
    import mltui.app.lists
    import mltui.live.kube.ward

    mltui.live.kube.ward.load()


class DockerFacts:
    """A Docker host, from the first time it is asked for."""

    def __init__(self, bench: Workbench, told: Told) -> None:
        self._bench, self._told = bench, told
        self.host: HostFact | None = None
        self._containers: tuple[ContainerFact, ...] = ()
        self._clinic: Clinic | None = None
        self._table: Table[Any] | None = None
        self._images: Table[Any] | None = None
        self._working = asyncio.Lock()
        self._is_next = False

    def put(self, facts: Facts) -> Facts:
        """The facts with what is known of it."""
        if self.host is None:
            return facts
        lists = self._bench.listing.known
        if not self.host.is_up and not facts.project and lists is not None and lists.kube.is_used:
            return facts  # one who looks at clusters may have no Docker
        return facts.with_host(self.host, self._containers)

    @property
    def is_looking(self) -> bool:
        """It has not answered yet."""
        return self._table is not None and self.host is None

    async def follow(self) -> None:
        """Look at it from now on."""
        if self._table is not None:
            return
        await asyncio.to_thread(_load)
        from mltui.live.facts import Clinic

        lists = await self._bench.listing.lists()
        feed = lists.docker.feed
        self._clinic = Clinic(feed.daemon)
        self._table = feed.table("containers")
        self._table.listen(self._changed)
        self._images = feed.table("images")
        self._images.listen(self._changed)
        if self._table.is_loaded or self._table.is_stale:  # known already: nothing will change
            self._soon()

    def _changed(self, changes: Changes[Any]) -> None:
        self._soon()

    def _soon(self) -> None:
        if not self._is_next:
            self._is_next = True
            self._bench.run_worker(self._examine(), group="clinic", exit_on_error=True)

    async def _examine(self) -> None:
        async with self._working:
            self._is_next = False
            await self._look()

    async def _look(self) -> None:
        from mltui.live.facts import looked_words, tags_of
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
                images = self._images.rows.values() if self._images is not None else ()
                tags = tags_of((each.id, each.names) for each in images)
                self._containers = await clinic.look(list(table.rows.values()), tags)
            except Unreachable:
                return  # the table says so in a moment
            count = len(self._images.rows) if self._images is not None else 0
            words = looked_words(len(table.rows), count)
            self.host = HostFact(table.name, "docker", looked=words)
        await self._told()


class ClusterFacts:
    """The places of Kubernetes that the project uses, or that the person looks at."""

    def __init__(self, bench: Workbench, told: Told) -> None:
        self._bench, self._told = bench, told
        self._wards: dict[str, tuple[tuple[str, ...], Ward]] = {}
        """By context, with its namespaces."""
        self._trouble = ""
        self._waits_for: Table[Any] | None = None
        self._working = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None

    def put(self, facts: Facts) -> Facts:
        """The facts with which clusters answer, and what may not be seen there."""
        now = self._bench.session.now()
        if self._trouble:
            facts = replace(facts, unseen=(*facts.unseen, self._trouble))
        for _, ward in self._wards.values():
            if ward.is_judged or ward.is_down:
                facts = facts.with_cluster(ward.host(now), None, ward.unseen)
        return facts

    def examined(self) -> list[Examination]:
        """What is wrong there; only for one who holds the lock."""
        return [ward.chart.examination for _, ward in self._wards.values()]

    @property
    def lock(self) -> asyncio.Lock:
        """Held while charts are written or read in a thread."""
        return self._working

    @property
    def is_reading(self) -> bool:
        """Something is on its way."""
        return any(ward.is_reading for _, ward in self._wards.values())

    @property
    def is_looking(self) -> bool:
        """One of them has not answered yet."""
        return any(not (ward.is_judged or ward.is_down) for _, ward in self._wards.values())

    async def follow(self, project: str, *, is_used: bool) -> None:
        """Look there from now on. `is_used`: the project has targets there."""
        lists = self._bench.listing.known
        if not is_used and (lists is None or not lists.kube.is_used):
            return
        await asyncio.to_thread(_load)
        from mltui.live.kube.place import contexts_of, normal
        from mltui.live.kube.ward import Ward
        from mltui.live.kube_facts import places_of

        lists = await self._bench.listing.lists()
        try:
            feed = await lists.kube.feed()
            spec = self._bench.session.spec
            where = [*(places_of(feed.clusters, spec) if is_used else ())]
            where += feed.where if lists.kube.is_used else ()
            wanted: dict[str, tuple[str, ...]] = {}
            for place in normal(where):
                wanted[place.context] = (*wanted.get(place.context, ()), place.namespace)
            clients = {name: feed.clusters.cluster(name).client for name in wanted}
        except MltuiError as error:
            self._trouble = str(error)
            return
        self._trouble = ""
        for name, (spaces, ward) in list(self._wards.items()):
            if wanted.get(name) != spaces:
                del self._wards[name]
                await ward.close()
        reading = lists.kube.reading
        first = contexts_of(feed.where) if reading is not None else ()
        for name, spaces in wanted.items():
            if name in first:
                # The person waits for a list of the same objects: that comes before them.
                self._later(reading)
            elif name not in self._wards:
                places = [each or None for each in spaces]
                ward = Ward(clients[name], places, project, self._soon)
                self._wards[name] = (spaces, ward)

    def _later(self, table: Table[Any] | None) -> None:
        """Look again once this table is read, or known not to come."""
        if table is None or table is self._waits_for:
            return
        self._waits_for = table

        def heard(changes: Changes[Any]) -> None:
            if table.is_settled:
                end()
                self._waits_for = None
                self._bench.triaging.refresh()

        end = table.listen(heard)

    async def close(self) -> None:
        """The app ends."""
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*(ward.close() for _, ward in self._wards.values()))

    def _soon(self) -> None:
        self._bench.run_worker(self._look(), group="cluster", exit_on_error=True)

    async def _look(self) -> None:
        from mltui.live.kube.heap import LONG, give_back

        is_different = False
        async with self._working:
            for _, ward in list(self._wards.values()):
                at = self._bench.session.now() + ward.skew_s
                batch = ward.take()
                is_long = len(batch.objects) >= LONG
                changed = await asyncio.to_thread(ward.chart.apply, batch, at)
                if is_long:
                    give_back()
                ward.is_judged = ward.is_judged or ward.is_settled
                ward.read_logs()
                is_different = is_different or changed or ward.said_anew
        self._wait()
        if is_different:
            await self._told()

    def _wait(self) -> None:
        """For the moment when time alone changes something."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._bench.session.now()
        dues = [
            due - now - ward.skew_s
            for _, ward in self._wards.values()
            if (due := ward.chart.examination.due_at) is not None
        ]
        if dues:
            self._timer = loop.call_later(max(min(dues), 0.5), self._soon)
