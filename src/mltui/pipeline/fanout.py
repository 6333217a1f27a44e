"""`for_each`: from a list to items, and from the items' states to the state of the whole.

Private to `mltui.pipeline`. Rulings (design: for_each): items run side by side; one failure lets
the others finish, then the stage fails; empty is succeeded; a name that could be a path or an
object's name in disguise fails that item only.
"""

from __future__ import annotations

import json
import re

from mltui.pipeline.board import Board
from mltui.pipeline.layout import input_tokens, item_tokens, path_of, unit_tokens
from mltui.pipeline.model import Failure, Instance, State
from mltui.pipeline.units import Status, Step, Unit
from mltui.spec.model import FailureClass
from mltui.text import printable

MAX_ITEMS = 1000
MAX_CHARS = 1000
"""Of one item: a longer one is no name, and would be in every row and message."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")


def read_items(text: str | bytes) -> tuple[str, ...] | Failure:
    """The items in an output: a JSON array of at most 1,000 unique scalars.

    Numbers become text as JSON writes them. The runner calls it for an `Expand`; what comes
    back as a Failure (class config) belongs in a `StageFailed`.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Failure(FailureClass.CONFIG, "the list of items is not JSON")
    if not isinstance(found, list):
        return Failure(FailureClass.CONFIG, "the list of items is not a JSON array")
    if len(found) > MAX_ITEMS:
        many = f"the list has {len(found)} items, {MAX_ITEMS} are allowed"
        return Failure(FailureClass.CONFIG, many)
    items = []
    for position, one in enumerate(found, 1):
        if one is None or isinstance(one, list | dict | bool):
            what = f"item {position} of the list is not a text or a number"
            return Failure(FailureClass.CONFIG, what)
        items.append(printable(one) if isinstance(one, str) else json.dumps(one))
        if len(items[-1]) > MAX_CHARS:
            what = f"item {position} of the list is longer than {MAX_CHARS} characters"
            return Failure(FailureClass.CONFIG, what)
    if len(set(items)) != len(items):
        double = next(one for one in items if items.count(one) > 1)
        return Failure(FailureClass.CONFIG, f"`{double}` is in the list of items twice")
    return tuple(items)


def check_item(item: str) -> Failure | None:
    """Why an item's name is refused: it becomes part of folders' and objects' names."""
    if _NAME.match(item) and item not in (".", ".."):
        return None
    shown = item if len(item) <= 40 else f"{item[:40]}…"
    message = f"the item {shown!r} may only have letters, digits, `.`, `_` and `-`, at most 100"
    return Failure(FailureClass.CONFIG, message)


def begin(board: Board, whole: Unit) -> None:
    """All that its items depend on is there: take them, or have them read."""
    each = whole.stage.for_each
    assert each is not None
    if each.items is not None:
        expand(board, whole, each.items)
    elif each.pairs_with is not None:
        path = path_of(board, whole.instance.stage, whole.instance.path, each.pairs_with)
        partner = board.units[Instance(each.pairs_with, path)]
        expand(board, whole, tuple(partner.items))
    else:
        board.move(whole, Step.EXPAND)


def expand(board: Board, whole: Unit, items: tuple[str, ...]) -> None:
    """Lay out the items of a whole."""
    board.move(whole, Step.OPEN)
    whole.items, whole.counts = {}, {}
    instance = whole.instance
    for item in dict.fromkeys(items):
        unit = board.new_unit(Instance(instance.stage, instance.path, item), whole.stage)
        unit.whole = whole
        whole.items[item] = unit
        whole.counts[unit.row.state] = whole.counts.get(unit.row.state, 0) + 1
        board.show(unit, accepted=whole.row.accepted)
        unit.abandoned = whole.abandoned
        board.wait_for(unit, item_tokens(board, unit.stage, instance.path, item))
    if not whole.items:
        # Without items to wait for its inputs, the whole does: done means that they are.
        board.wait_for(whole, (*whole.deps, *input_tokens(board, whole)))
    assert whole.known is not None
    board.set_token(whole.known, Status.GOOD)
    board.touch(whole)


def collapse(board: Board, whole: Unit) -> None:
    """Its items no longer hold: forget them; those that live are stopped."""
    for item in whole.items.values():
        board.forget(item)
    whole.items, whole.counts = {}, {}
    board.wait_for(whole, unit_tokens(board, whole))
    if whole.known is not None:
        board.set_token(whole.known, Status.OPEN)


def follow_items(board: Board, whole: Unit) -> None:
    """Make the whole's state that of its items."""
    counts = whole.counts
    total = len(whole.items)
    final = sum(count for state, count in counts.items() if state.is_final)
    if not total and (whole.missing or whole.abandoned):
        _follow_inputs(board, whole)
    elif final < total:
        _show_working(board, whole, final)
    elif counts.get(State.FAILED):
        bad = [unit for unit in whole.items.values() if unit.row.state is State.FAILED]
        cause = f"{bad[0].instance.label} failed ({bad[0].row.failure})"
        reason = f"{len(bad)} of {total} items failed: {bad[0].instance.item}: {bad[0].row.reason}"
        _finish(board, whole, State.FAILED, reason, cause, bad[0].row.failure)
    elif counts.get(State.CANCELLED):
        cause = f"{whole.instance.label} was cancelled"
        reason = f"{counts[State.CANCELLED]} of {total} items were cancelled"
        _finish(board, whole, State.CANCELLED, reason, cause, FailureClass.CANCELLED)
    elif counts.get(State.SKIPPED):
        skipped = next(u for u in whole.items.values() if u.row.state is State.SKIPPED)
        _finish(board, whole, State.SKIPPED, skipped.row.reason, skipped.row.reason)
    else:
        is_cached = total > 0 and counts.get(State.CACHED) == total
        whole.done_state = State.CACHED if is_cached else State.SUCCEEDED
        _finish(board, whole, whole.done_state, "" if total else "no items")
        board.set_token(whole.done, Status.GOOD)


def _follow_inputs(board: Board, whole: Unit) -> None:
    causes = (token.reason for token in whole.deps if token.status is Status.BAD)
    why = whole.abandoned or next(causes, "")
    if why:
        _finish(board, whole, State.SKIPPED, why, why)
        return
    board.show(whole, state=State.PENDING, reason="", failure=None, ended_at=None)
    board.set_token(whole.done, Status.OPEN)


def _show_working(board: Board, whole: Unit, final: int) -> None:
    counts = whole.counts
    working = (State.RUNNING, State.UNKNOWN, State.BUILDING, State.READY)
    state = next((state for state in working if counts.get(state)), State.PENDING)
    if state is State.READY and final:
        state = State.RUNNING
    started_at = whole.row.started_at
    if started_at is None and state is State.RUNNING:
        started_at = board.at
    reason = f"{final} of {len(whole.items)} items"
    board.show(
        whole, state=state, failure=None, reason=reason, ended_at=None, started_at=started_at
    )
    board.set_token(whole.done, Status.OPEN)


def _finish(
    board: Board,
    whole: Unit,
    state: State,
    reason: str,
    cause: str = "",
    failure: FailureClass | None = None,
) -> None:
    board.show(
        whole,
        state=state,
        reason=reason,
        failure=failure,
        ended_at=whole.row.ended_at if whole.row.state is state else board.at,
    )
    if cause:
        board.set_token(whole.done, Status.BAD, cause)
