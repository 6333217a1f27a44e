"""What verbs share: whom they act on, what they ask before, how a daemon's refusal reads.

A list moves under the cursor and names are given anew; so a verb is bound to the object that the
person saw, by its identity, and does nothing (`Conflict`) when that is another one now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltui.errors import Conflict, Forbidden, MltuiError
from mltui.live.cells import plain
from mltui.live.daemon import Daemon, message_of, status_of
from mltui.live.kind import Kind
from mltui.live.kinds import kind_named

_NAMED = 8
"""Names in a question's detail; more are counted."""


@dataclass(frozen=True, slots=True)
class Ref:
    """One thing as the person saw it."""

    kind: str
    title: str
    """`container`, `image`, …"""
    key: str
    name: str
    made_at: float | None = None
    """Tells a volume from another one of the same name."""
    is_running: bool = False
    names: tuple[str, ...] = ()
    """All names of an image."""
    context: str = ""
    """Of a Kubernetes object; empty for Docker's things."""
    namespace: str = ""
    uid: str = ""
    owner: str = ""
    """`ReplicaSet/web-5d8f`: what will make it anew."""

    @property
    def text(self) -> str:
        """`container web`, `pod dev/train-2`."""
        where = f"{plain(self.namespace)}/" if self.namespace else ""
        return f"{self.title} {where}{plain(self.name)}"


@dataclass(frozen=True, slots=True)
class Question:
    """A confirmation: the same fields as `actions.context.Question`."""

    sentence: str
    yes: str
    no: str = "Leave it"
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `act` does it to one thing and says what was done."""

    id: str
    title: str
    """On keys and buttons: `Stop`."""
    help: str
    doing: str
    """What the row says until the events confirm it: `stopping…`."""
    kinds: tuple[str, ...]
    act: Callable[[Daemon, Ref], Awaitable[str]]
    question: Callable[[Sequence[Ref], str], Question] | None = None
    """What to ask first, of which things on which host; None: it harms nothing."""
    refuses: Callable[[Any], str | None] = lambda row: None
    """Why it can't act on this row, as a sentence; None: it can."""

    @property
    def danger(self) -> bool:
        """It ends or removes something, so it asks first."""
        return self.question is not None


def ref_of(kind: Kind[Any], row: Any) -> Ref:
    """The thing that a row shows."""
    return Ref(
        kind.name,
        kind.title,
        kind.key(row),
        kind.label(row),
        getattr(row, "created_at", None),
        bool(getattr(row, "is_running", False)),
        tuple(getattr(row, "names", ())),
        getattr(row, "context", ""),
        getattr(row, "namespace", ""),
        getattr(row, "uid", ""),
        getattr(row, "owner", ""),
    )


def refs_of(
    kind: Kind[Any], rows: Iterable[Any], table: Callable[[str], Mapping[str, Any]]
) -> list[Ref]:
    """What verbs act on when these rows are chosen; `table` gives the rows of another kind."""
    if kind.acts_on is None:
        return [ref_of(kind, row) for row in rows]
    name, keys = kind.acts_on
    known, other = table(name), kind_named(name)
    return [ref_of(other, known[key]) for row in rows for key in keys(row) if key in known]


def why_not(verb: Verb, kind: str, row: Any) -> str | None:
    """Why a verb can't act on a row of this kind; None: it can."""
    if kind not in verb.kinds:
        return f"{verb.title} is for {' and '.join(verb.kinds)}"
    return verb.refuses(row)


def counted(count: int, word: str) -> str:
    """`1 container`, `3 containers`."""
    return f"{count} {word}{'s' * (count != 1)}"


def whom(refs: Sequence[Ref]) -> str:
    """`container web`, `3 containers`."""
    return refs[0].text if len(refs) == 1 else counted(len(refs), refs[0].title)


def named(refs: Sequence[Ref]) -> tuple[str, ...]:
    """Names for a question's detail, when they are not in its sentence."""
    if len(refs) == 1:
        return ()
    shown = [plain(ref.name) for ref in refs[:_NAMED]]
    return (*shown, f"and {len(refs) - _NAMED} more") if len(refs) > _NAMED else tuple(shown)


def effect(count: int, one: str, many: str) -> str:
    """The sentence that fits a number."""
    return one if count == 1 else many


async def same_container(daemon: Daemon, ref: Ref) -> dict[str, Any]:
    """The container a reference means, as it is now.

    Conflict when it is gone, or its name means another one. Unreachable.
    """
    try:
        found = await daemon.get(f"/containers/{ref.key}/json")
    except MltuiError as error:
        if status_of(error) != 404:
            raise refused(daemon, ref, "look at", error) from error
        raise await _gone(daemon, ref, f"/containers/{ref.name}/json") from error
    name = str(found.get("Name", "")).lstrip("/")
    if name != ref.name:
        raise Conflict(
            f"{ref.text} on {daemon.name} is called {plain(name)} now; nothing was done: look again"
        )
    return dict(found)


async def _gone(daemon: Daemon, ref: Ref, by_name: str) -> Conflict:
    try:
        await daemon.get(by_name)
    except MltuiError as error:
        if status_of(error) == 404:
            return Conflict(f"{ref.text} on {daemon.name} is gone already")
        raise
    return Conflict(
        f"{ref.text} on {daemon.name} is another one now (it was removed and made anew); "
        "nothing was done: look again"
    )


def refused(daemon: Daemon, ref: Ref, doing: str, error: MltuiError) -> MltuiError:
    """A daemon's refusal as one of mltui's errors, naming object, host and what to do."""
    status, said = status_of(error), message_of(error)
    if not status:
        return error
    start = f"{daemon.name} does not {doing} {ref.text}"
    if status == 404:
        return Conflict(f"{ref.text} on {daemon.name} is gone already")
    if status == 403 and not _advice(said):
        return Forbidden(f"{start}: {said}")
    if status in (403, 409):
        return Conflict(f"{start}: {said}{_advice(said)}")
    return MltuiError(f"{start}: {said}{_advice(said)}")


def _advice(said: str) -> str:
    low = said.lower()
    for words, advice in (
        ("is paused", "unpause it first"),
        ("removal of container", "another removal is at work: wait for it"),
        ("is being used by", "remove those containers first"),
        ("using its referenced image", "remove that container first"),
        ("volume is in use", "remove the containers that mount it first"),
        ("has active endpoints", "stop the containers on it first"),
        ("port is already allocated", "stop what listens there, or publish another port"),
        ("no space left", "`docker system df` shows what fills the disk"),
    ):
        if words in low:
            return f": {advice}"
    return ""
