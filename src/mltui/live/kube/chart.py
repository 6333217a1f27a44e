"""What triage knows of one cluster: objects as they come are made rows, and judged.

Fed by `ward` with batches, in a thread: reading ten thousand pods takes longer than a key may wait.
Only one thread at a time may use a chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from mltui.live.kube.last_words import Words, crashed, stamp_of, with_words
from mltui.triage.cluster import Cluster, Row
from mltui.triage.examination import Examination
from mltui.triage.kube import Hidden, KubeFacts, Pod
from mltui.triage.kube_pods import decode_pod
from mltui.triage.kube_reading import read_object

Id: TypeAlias = tuple[str, str, str]
"""Kind, namespace and name of an object."""
Place: TypeAlias = tuple[str, str]
"""A pod's key and one of its containers."""
MOST_LOGS, OF_ONE_OWNER = 60, 2
MANY = 100
"""A batch that is larger than this, and than all before, is the first of a cluster."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What came since the last."""

    objects: dict[Id, bytes | None]
    """As the API gave them; None: deleted. Each is let go as it is read: a first list is long."""
    words: Mapping[Place, Words] = field(default_factory=dict)
    """The ends of logs that were asked for."""
    hidden: tuple[Hidden, ...] = ()


class Chart:
    """The rows of a cluster and what is wrong there."""

    def __init__(self, name: str, project: str) -> None:
        self.examination = Examination(Cluster(name, 0.0, project, counts_slices=True))
        self._rows: dict[Id, tuple[Row, ...]] = {}
        self._words: dict[Place, Words] = {}
        self._asked: dict[Place, object] = {}
        self._of_owner: dict[tuple[str, str, str], set[str]] = {}
        self._wanted: dict[Place, Pod] = {}
        self._hidden: tuple[Hidden, ...] = ()

    def apply(self, batch: Batch, at: float) -> bool:
        """Take a batch in; whether anything that is wrong is different."""
        self.read(batch)
        return self.examination.examine(at)

    def read(self, batch: Batch) -> None:
        """Take a batch in, and judge nothing yet."""
        self._hidden = batch.hidden
        self.examination.hide(batch.hidden)
        if len(batch.objects) > max(len(self._rows), MANY):
            with self.examination.filling():
                self._read(batch)
        else:
            self._read(batch)
        for place, words in batch.words.items():
            self._words[place] = words
            namespace, _, name = place[0].partition(":")[2].partition("/")
            id_ = ("Pod", namespace, name)
            if (rows := self._rows.get(id_, ())) != ():
                self._put(id_, rows)

    def _read(self, batch: Batch) -> None:
        objects = batch.objects
        for id_ in list(objects):
            raw = objects.pop(id_)
            self._put(id_, () if raw is None else _rows(id_[0], raw))

    def wanted(self) -> dict[Place, Pod]:
        """Containers whose last words matter and are not known; each is told once."""
        found, self._wanted = self._wanted, {}
        return found

    def facts(self) -> KubeFacts:
        """All that is known, to be written down."""
        cluster = self.examination.cluster
        return KubeFacts.of(cluster.name, cluster.rows(), hidden=self._hidden)

    def _put(self, id_: Id, rows: tuple[Row, ...]) -> None:
        if self._words:
            rows = tuple(self._with_words(x) if isinstance(x, Pod) else x for x in rows)
        known = self._rows.get(id_, ())
        if not known and len(rows) == 1:
            self.examination.change(None, rows[0])
            if isinstance(rows[0], Pod) and not rows[0].is_well:
                self._follow(None, rows[0])
            self._rows[id_] = rows
            return
        before = {type(each): each for each in known}
        after = {type(each): each for each in rows}
        for kind in before.keys() | after.keys():
            old, new = before.get(kind), after.get(kind)
            if old != new:
                self.examination.change(old, new)
                if kind is Pod:
                    self._follow(old, new)
        if rows:
            self._rows[id_] = rows
        else:
            self._rows.pop(id_, None)

    # --- logs -----------------------------------------------------------------------------------

    def _with_words(self, pod: Pod) -> Pod:
        known = {
            each.name: words
            for each in pod.containers
            if (words := self._words.get((pod.key, each.name))) is not None
            and words.stamp == stamp_of(each)
        }
        return with_words(pod, known) if known else pod

    def _follow(self, old: Any, new: Any) -> None:
        """Of many pods of one owner the first few speak for all."""
        sick = {each.name: stamp_of(each) for each in crashed(new)} if new is not None else {}
        pod: Pod = new or old
        for each in pod.containers:
            place = (pod.key, each.name)
            owner = (pod.namespace, pod.owner.name or pod.name, each.name)
            if each.name not in sick:
                self._words.pop(place, None)
                if self._asked.pop(place, None) is not None:
                    self._of_owner.get(owner, set()).discard(pod.key)
                continue
            stamp = sick[each.name]
            if self._asked.get(place) == stamp:
                continue
            others = self._of_owner.setdefault(owner, set())
            is_room = len(others) < OF_ONE_OWNER and len(self._asked) < MOST_LOGS
            if place in self._asked or is_room:
                self._asked[place] = stamp
                others.add(pod.key)
                self._wanted[place] = pod


def _rows(kind: str, raw: bytes) -> tuple[Row, ...]:
    """What rules look at of an object; nothing of one that is not formed as the API has it."""
    try:
        if kind == "Pod":
            return (decode_pod(raw),)
        found = msgspec.json.decode(raw)
    except (ValueError, OverflowError, RecursionError):
        return ()
    if not isinstance(found, dict):
        return ()
    found["kind"] = kind
    return read_object(found)
