"""Follows all that triage looks at in one cluster: one watch a kind and namespace, nothing polled.

Owned by the app's triage. What comes is kept as it is, and handed to a `Chart` in a thread a few
times a second at most; what may not be seen is said, and the rest is still followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mltui.errors import Forbidden, MltuiError
from mltui.live.kube.chart import Batch, Chart, Id
from mltui.live.kube.cluster import status_of
from mltui.live.kube.last_words import Words, crashed, read_words
from mltui.live.kube.login import KIND as LOGIN
from mltui.live.kube.login import login_object
from mltui.live.kube.whole import Whole, id_of
from mltui.triage.facts import HostFact
from mltui.triage.kube import Hidden, Pod
from mltui.triage.looked import looked_words

if TYPE_CHECKING:
    from mltui.engines.kubernetes.client import Client
    from mltui.engines.kubernetes.resources import Resource

PAUSE_S = 0.25
"""Between two batches: what comes at once is judged at once."""
PATIENCE_S = 3.0
"""Nothing is judged before all kinds have answered, or the first did so long ago."""
_LOGS_AT_ONCE = 8
_SKEW_S = 5.0
"""Clocks that differ by less are taken to be one: the server says whole seconds."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A resource that is followed."""

    resource: Resource
    is_needed: bool = True
    """That it can't be seen is worth saying."""
    only_names: bool = False
    """Only its metadata is asked for."""
    selector: str = ""


def watched() -> tuple[Watched, ...]:
    """All kinds that rules look at."""
    from mltui.engines.kubernetes import resources as known

    needed = (
        known.PODS, known.EVENTS, known.DEPLOYMENTS, known.REPLICA_SETS, known.STATEFUL_SETS,
        known.DAEMON_SETS, known.JOBS, known.SERVICES, known.SLICES, known.CLAIMS,
        known.AUTOSCALERS, known.BUDGETS,
    )  # fmt: skip
    return (
        *(Watched(each) for each in needed),
        Watched(known.CRON_JOBS, is_needed=False),
        Watched(known.INGRESSES, is_needed=False),
        Watched(known.INGRESS_CLASSES, is_needed=False),
        Watched(known.NODES, is_needed=False),
        Watched(known.STORAGE_CLASSES, is_needed=False),
        Watched(known.NAMESPACES, is_needed=False),
        Watched(known.CONFIGMAPS, is_needed=False, only_names=True),
        Watched(known.SECRETS, is_needed=False, selector="type=kubernetes.io/tls"),
    )


def load() -> None:
    """Import what following takes; it costs too much for the event loop."""
    import mltui.engines.kubernetes.client
    import mltui.engines.kubernetes.watch  # noqa: F401


class Ward:
    """One cluster, in some namespaces; None among them: in all."""

    def __init__(
        self,
        client: Client,
        spaces: Sequence[str | None],
        project: str,
        told: Callable[[], None],
    ) -> None:
        self.client = client
        self.chart = Chart(client.name, project)
        self._told = told
        self._spaces = spaces
        self._shares: list[_Share] = []
        self.is_judged = False
        """All kinds were judged once: what is not found is not there."""
        self._objects: dict[Id, bytes | None] = {}
        self._words: dict[tuple[str, str], Words] = {}
        self._answers: dict[Hidden, MltuiError | None] = {}
        """Kinds and places that have answered, and how."""
        self._asked: dict[Hidden, Watched] = {}
        self._down: MltuiError | None = None
        self._down_at = self._began_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._readings: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_LOGS_AT_ONCE)
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._said: object = None
        self._spawn(self._read_login())
        for each in watched():
            places = spaces if each.resource.is_namespaced else (None,)
            for space in places:
                self._watch(each, space)

    def _watch(self, each: Watched, space: str | None) -> None:
        from mltui.engines.kubernetes.watch import Watching

        loop = asyncio.get_running_loop()
        self._began_at = self._began_at or loop.time()
        place = Hidden(each.resource.kind, space or "")
        self._asked[place] = each
        share = _Share(self, place)
        self._shares.append(share)
        watching: Watching[Any] = Watching(
            self.client, each.resource, space, Whole(each), share,
            query={"fieldSelector": each.selector} if each.selector else None,
        )  # fmt: skip
        task = loop.create_task(watching.run())
        task.add_done_callback(_say_fault)
        self._tasks.append(task)

    # --- what is known --------------------------------------------------------------------------

    def host(self, now: float) -> HostFact:
        """Whether it answers."""
        if self._down is None:
            return HostFact(self.client.name, "kubernetes", looked=self._looked())
        since = self._down_at or now
        return HostFact(self.client.name, "kubernetes", False, str(self._down), since)

    def _looked(self) -> str:
        counts: dict[str, int] = {}
        refused = []
        for share in self._shares:
            plural = self._asked[share.place].resource.plural
            if isinstance(self._answers.get(share.place), MltuiError):
                refused.append(plural)
            else:
                counts[plural] = counts.get(plural, 0) + len(share.known)
        return looked_words(self._spaces, counts, refused)

    @property
    def unseen(self) -> tuple[str, ...]:
        """What may not be looked at, in sentences."""
        found = (
            f"{self.client.name}: {error}"
            for place, error in self._answers.items()
            if isinstance(error, Forbidden) and self._asked[place].is_needed
        )
        return tuple(dict.fromkeys(found))

    @property
    def is_settled(self) -> bool:
        """All kinds have answered, or most had time to."""
        if len(self._answers) == len(self._asked):
            return True
        waited = asyncio.get_running_loop().time() - self._began_at
        return bool(self._answers) and waited > PATIENCE_S

    @property
    def skew_s(self) -> float:
        """How far the server's clock is ahead of this machine's."""
        skew = self.client.skew_s
        return skew if abs(skew) > _SKEW_S else 0.0

    def take(self) -> Batch:
        """What came since the last time; ask `chart` about it in a thread."""
        objects, self._objects = self._objects, {}
        words, self._words = self._words, {}
        hidden = [
            place for place in self._asked if self._answers.get(place, _NO_ANSWER) is not None
        ]
        return Batch(objects, words, tuple(hidden))

    def read_logs(self) -> None:
        """Have the ends of those logs read that the chart asks for."""
        for (key, name), pod in self.chart.wanted().items():
            self._spawn(self._read_log(key, name, pod))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._readings.add(task)
        task.add_done_callback(self._readings.discard)

    async def _read_login(self) -> None:
        raw = await login_object(self.client)
        if raw is not None:
            self.put((LOGIN, "", self.client.name), raw)

    async def _read_log(self, key: str, name: str, pod: Pod) -> None:
        each = next(each for each in crashed(pod) if each.name == name)
        async with self._room:
            self._words[(key, name)] = await read_words(self.client, pod, each)
        self._soon()

    @property
    def is_down(self) -> bool:
        """It does not answer."""
        return self._down is not None

    @property
    def said_anew(self) -> bool:
        """Whether it answers, or what may be seen, became different since this was last asked."""
        now = (str(self._down or ""), self.unseen, self.is_judged)
        before, self._said = self._said, now
        return now != before

    @property
    def is_reading(self) -> bool:
        """Something is on its way beside the watches."""
        return bool(self._readings)

    async def close(self) -> None:
        """End its watches."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        tasks = [*self._tasks, *self._readings]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- what comes -----------------------------------------------------------------------------

    def put(self, id_: Id, raw: bytes | None) -> None:
        """An object came, or went."""
        self._objects[id_] = raw
        self._soon()

    def answered(self, place: Hidden, error: MltuiError | None) -> None:
        """A kind was listed in a place, or refused; an absent kind is like an empty list."""
        self._answers[place] = error
        self._down = None
        self._soon()

    def lives(self) -> None:
        """It answers."""
        if self._down is not None:
            self._down = None
            self._soon()

    def lost(self, error: MltuiError) -> None:
        """It does not answer; the watches go on trying."""
        if self._down is None or str(self._down) != str(error):
            import time

            self._down_at = self._down_at if self._down is not None else time.time()
            self._down = error
            self._soon()

    def _soon(self) -> None:
        if self._timer is None and not self._is_closed:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._tell)

    def _tell(self) -> None:
        self._timer = None
        if self._down is None and not self.is_settled:
            self._soon()
            return
        self._told()


_NO_ANSWER = MltuiError("it has not answered yet")


class _Share:
    """One kind in one place; a `Sink`."""

    def __init__(self, ward: Ward, place: Hidden) -> None:
        self._ward, self.place = ward, place
        self.known: set[Id] = set()
        """What it has now."""
        self._seen: set[Id] | None = None

    def begin(self) -> None:
        """See `Sink`."""
        self._seen = set()

    def page(self, items: Sequence[bytes]) -> None:
        """See `Sink`."""
        for raw in items:
            id_ = self._put(raw)
            if self._seen is not None:
                self._seen.add(id_)

    def listed(self) -> None:
        """See `Sink`."""
        if self._seen is not None:
            for id_ in self.known - self._seen:
                self._ward.put(id_, None)
            self.known, self._seen = self._seen, None
        self._ward.answered(self.place, None)

    def put(self, items: Sequence[bytes]) -> None:
        """See `Sink`."""
        for raw in items:
            self._put(raw)

    def gone(self, items: Sequence[bytes]) -> None:
        """See `Sink`."""
        for raw in items:
            id_ = self._id(raw)
            self.known.discard(id_)
            self._ward.put(id_, None)

    def lives(self) -> None:
        """See `Sink`."""
        self._ward.lives()

    def lost(self, error: MltuiError) -> None:
        """See `Sink`."""
        status = status_of(error)
        if isinstance(error, Forbidden) or status in (401, 403):
            for id_ in self.known:
                self._ward.put(id_, None)  # what one may not see any more is not told
            self.known.clear()
            self._ward.answered(self.place, error)
        elif status in (404, 405):
            self._ward.answered(self.place, None)  # this cluster has no such kind
        else:
            self._ward.lost(error)

    def _put(self, raw: bytes) -> Id:
        id_ = self._id(raw)
        self.known.add(id_)
        self._ward.put(id_, raw)
        return id_

    def _id(self, raw: bytes) -> Id:
        return id_of(self.place.kind, raw)


def _say_fault(task: asyncio.Task[None]) -> None:
    """A fault of mltui's own must not pass unseen."""
    if not task.cancelled() and (fault := task.exception()) is not None:
        said = {"message": "a watch broke", "exception": fault}
        asyncio.get_running_loop().call_exception_handler(said)
