"""`Table`: what changed is known, handed over seldom, and only when something did."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mltui.live.table import Changes, Table


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    value: int


def is_scheduled(table: Table[Row]) -> bool:
    return table._timer is not None


async def handed_over(table: Table[Row]) -> None:
    async with asyncio.timeout(60):
        while is_scheduled(table):  # noqa: ASYNC110 - nothing says when
            await asyncio.sleep(0.001)


KEYS = st.sampled_from("abcde")
ROWS = st.builds(Row, KEYS, st.integers(0, 2))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("apply"), ROWS),
        st.tuples(st.just("remove"), KEYS),
        st.tuples(st.just("replace"), st.lists(ROWS)),
        st.tuples(st.just("look"), st.none()),
        st.tuples(st.just("lost"), st.none()),
        st.tuples(st.just("live"), st.none()),
    )
)


@given(STEPS)
def test_any_history_gives_what_a_dictionary_gives_and_says_every_change(steps: Any) -> None:
    async def scenario() -> None:
        table: Table[Row] = Table(frame_s=0.0)
        model: dict[str, Row] = {}
        shown: dict[str, Row] = {}

        def hear(changes: Changes[Row]) -> None:
            assert changes.rows.keys().isdisjoint(changes.removed)
            assert changes.rows or changes.removed or changes.is_status
            shown.update(changes.rows)
            for key in changes.removed:
                shown.pop(key, None)

        end = table.listen(hear)
        for what, value in steps:
            version, before = table.version, dict(model)
            if what == "apply":
                model[value.key] = value
                assert table.apply(value.key, value) == (before.get(value.key) != value)
            elif what == "remove":
                model.pop(value, None)
                assert table.remove(value) == (value in before)
            elif what == "replace":
                model = {row.key: row for row in value}
                table.replace(model)
                assert list(table.rows) == list(model)
            elif what == "lost":
                table.lost("gone", 0.0)
            elif what == "live":
                table.live()
            else:
                await handed_over(table)
                assert shown == model
            assert dict(table.rows) == model
            assert (table.version > version) == (model != before)
        await handed_over(table)
        assert shown == model
        end()
        assert table._timer is None

    asyncio.run(scenario())


async def test_a_burst_is_handed_over_once_and_ten_times_a_second_at_most() -> None:
    table: Table[Row] = Table()
    loop = asyncio.get_running_loop()
    times: list[float] = []
    table.listen(lambda changes: times.append(loop.time()))
    number = 0
    async with asyncio.timeout(60):
        while len(times) < 6:
            for key in "abc":
                number += 1
                table.apply(key, Row(key, number))
            await asyncio.sleep(0.005)
    assert times[-1] - times[0] > 0.1 * (len(times) - 2)


async def test_the_first_change_after_a_calm_is_handed_over_at_once() -> None:
    table: Table[Row] = Table(frame_s=3600.0)
    came = asyncio.Event()
    table.listen(lambda changes: came.set())
    table.apply("a", Row("a", 1))
    await asyncio.wait_for(came.wait(), 60)


async def test_nothing_is_scheduled_when_nothing_changed_or_nobody_listens() -> None:
    table: Table[Row] = Table()
    table.apply("a", Row("a", 1))
    assert not is_scheduled(table)  # nobody listens
    end = table.listen(lambda changes: None)
    table.apply("a", Row("a", 1))
    table.replace({"a": Row("a", 1)})
    table.remove("b")
    table.live()
    await asyncio.sleep(0.01)
    assert not is_scheduled(table)
    table.apply("a", Row("a", 2))
    assert is_scheduled(table)
    end()
    assert not is_scheduled(table)


def test_an_equal_row_stays_the_object_that_is_painted() -> None:
    table: Table[Row] = Table()
    first = Row("a", 1)
    table.apply("a", first)
    table.replace({"a": Row("a", 1)})
    assert table.rows["a"] is first


def test_a_lost_connection_reads_as_a_sentence_and_keeps_its_first_moment() -> None:
    table: Table[Row] = Table("docker@build-7", heard=lambda: 90.0)
    assert (table.status(), table.is_stale, table.fresh_at) == ("", False, 90.0)
    table.lost("it closed the connection", 100.0)
    table.lost("nothing listens there", 109.0)
    assert table.status(112.0) == "no answer from docker@build-7 for 12s, retrying"
    assert table.why == "nothing listens there"
    table.live()
    assert (table.status(), table.why) == ("", "")
    table.lost("permission denied", 100.0, "docker does not list its volumes")
    assert table.status(107.0) == "docker does not list its volumes for 7s, retrying"
