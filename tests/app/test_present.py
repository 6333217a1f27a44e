"""Lines as text, without a screen."""

from __future__ import annotations

import pytest

from mltui.app.present.build import Environed, build_lines
from mltui.app.present.card import Evidence, card, ordinal
from mltui.app.present.dryrun import dry_run_lines
from mltui.app.present.line import Line, cut, line, merged, wrapped
from mltui.app.present.moment import Moment, when
from mltui.app.present.need import main_metric, short_need, target_of
from mltui.app.present.sgr import sgr_line
from mltui.app.present.story import about
from mltui.app.runview import RunView, accepted_metrics
from mltui.pipeline.model import Instance, StageRow, State
from mltui.runs.dryrun import Planned
from mltui.runs.rows import RunRow
from mltui.spec.model import And, Compare, FailureClass, Gate, Metric, Param
from mltui.text.width import cell_width

from .seed import NOON


def width_of(found: Line, width: int) -> int:
    return sum(cell_width(text) for text, _ in found.laid_out(width))


@pytest.mark.parametrize("width", [8, 20, 41, 80])
def test_a_line_fills_exactly_its_width(width: int) -> None:
    for found in (
        line("short"),
        line("a very long line " * 9),
        line("日本語のログ" * 9, right=(("右", "dim"),)),
        line("left", right=(("right", "dim"),)),
    ):
        assert width_of(found, width) == width


def test_the_right_part_is_kept_when_the_left_is_long() -> None:
    parts = line("x" * 90, right=(("end", ""),)).laid_out(40)
    assert "".join(text for text, _ in parts).endswith("end")


def test_adjacent_roles_are_one() -> None:
    assert merged([("a", "dim"), ("b", "dim"), ("  ", ""), ("c", "")]) == [
        ("ab  ", "dim"),
        ("c", ""),
    ]
    assert cut([("abc", ""), ("def", "")], 5) == ([("abc", ""), ("d…", "")], 5)


def test_wrapping_breaks_what_is_longer_than_a_line() -> None:
    lines = wrapped("one two " + "x" * 50, 20, "", "  ")
    assert all(cell_width(found.text) <= 20 for found in lines)
    assert "".join(found.text.strip() for found in lines).count("x") == 50


def gate(require: object, text: str) -> Gate:
    return Gate(require, text)  # type: ignore[arg-type]


def test_what_a_gate_needs_in_few_cells() -> None:
    plain = gate(Compare(">=", Metric("accuracy"), Param("target")), "accuracy >= ${params.target}")
    assert short_need(plain, {"target": 0.98}) == "≥ 0.98"
    assert target_of(plain, {"target": None}) is None
    turned = gate(Compare("<", 0.1, Metric("loss")), "0.1 < loss")
    assert short_need(turned, {}) == "> 0.1"
    rich = gate(And((plain.require, turned.require)), "a and b")
    assert short_need(rich, {}) == "a and b"
    assert main_metric(rich) == "accuracy"


def test_the_card_keeps_the_cause_when_there_is_no_room() -> None:
    row = StageRow(
        1,
        "train",
        None,
        (2,),
        3,
        State.FAILED,
        "training",
        failure=FailureClass.MEMORY,
        started_at=NOON,
        ended_at=NOON + 41,
        reason="killed at its limit: 512 MiB of 512 MiB",
    )
    evidence = Evidence("MemoryError: no", ("a", "b", "c"), "mltui.yaml:31", "resources: {}")
    small = [found.text for found in card(row, evidence, ["retry as it is"], 41, 6, Moment(NOON))]
    assert len(small) <= 6
    assert any("killed at its limit" in text for text in small)
    assert any("MemoryError" in text for text in small)
    large = [found.text for found in card(row, evidence, ["retry as it is"], 90, 20, Moment(NOON))]
    assert "third attempt" in large[0]
    assert any(text.strip() == "c" for text in large)
    assert ordinal(11) == "attempt 11"
    fix = "set memory: 768Mi in mltui.yaml:31 and retry from the start"
    roomy = [found.text for found in card(row, evidence, [fix, "retry"], 41, 12, Moment(NOON))]
    assert fix in " ".join(" ".join(roomy).split()) and not any("…" in text for text in roomy)


def test_times_stay_true_without_repainting() -> None:
    assert when(NOON - 60, NOON) == "11:59:00"
    assert when(NOON - 200_000, NOON) == "23 Nov 04:26"
    assert about(3.2) == "3s" and about(52) == "50s" and about(95) == "2m"


def test_colours_of_a_preview_are_styles_of_their_own() -> None:
    found = sgr_line("\x1b[38;2;1;2;3mx\x1b[0my", "  ", 40)
    assert ("x", "=#010203") in found.left and ("y", "") in found.left


def test_an_environment_that_another_project_built() -> None:
    packages = ("# CPython 3.11.7 linux-x86_64", "numpy==2.1.0")
    found = Environed("train", (("requirements", "env/train.txt"),), packages=packages)
    said = [each.text.strip() for each in build_lines(found, 40, Moment(NOON))]
    assert "1 package" in said and "numpy==2.1.0" in said and "CPython 3.11.7 linux-x86_64" in said
    assert not [text for text in said if "Not built" in text]
    empty = build_lines(Environed("train"), 30, Moment(NOON))
    assert all(cell_width(each.text) <= 30 for each in empty)
    assert "Not built yet" in " ".join(each.text for each in empty)
    used = build_lines(Environed("train", is_used=True), 60, Moment(NOON))
    assert any("Taken as it was: another project" in each.text for each in used)


def test_a_run_is_summed_up_by_what_its_last_stage_wrote_first() -> None:
    metrics = {"train.loss": 0.1, "evaluate.accuracy": 0.98, "evaluate.mistakes": 6.0}
    run = RunRow(1, State.SUCCEEDED, "", 0.0, metrics=metrics)
    assert list(accepted_metrics(run)) == ["accuracy", "mistakes", "loss"]


def test_of_equally_new_rounds_the_last_has_the_cursor() -> None:
    """All of a run that was taken from the cache ended at one moment."""
    view = RunView(RunRow(1, State.SUCCEEDED, "", 0.0), State.SUCCEEDED, "")
    view.apply(
        [
            StageRow(
                run=1,
                stage="evaluate",
                item=None,
                path=(n,),
                attempt=0,
                state=State.CACHED,
                phase="training",
                ended_at=5.0,
                order=4,
            )
            for n in (1, 2, 3)
        ]
    )
    assert view.first() == Instance("evaluate", (3,))


def test_a_dry_run_says_what_a_gate_may_still_ask_for() -> None:
    cached = [Planned(Instance("evaluate", (n,)), "cached", f"as in run {n}", None) for n in (1, 2)]
    assert dry_run_lines(cached, 60)[0].text == "nothing to compute: all 2 are cached"
    found = [Planned(Instance("evaluate", (1,)), "run", "it was asked for", 1.5, more_rounds=3)]
    said = " ".join(each.text.strip() for each in dry_run_lines(found, 60))
    assert "the gate on evaluate may ask for up to 3 more rounds" in said
    assert "at most" not in said
