"""One declaration a verb: keys, footer, help, commands and fixes all come from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mltui.actions import registry
from mltui.actions.action import GROUPS
from mltui.actions.keys import key_text
from mltui.actions.selection import EVERYWHERE, LISTS, Selection
from mltui.app.commandline import completions
from mltui.app.keymap import first_of_each_key
from mltui.app.present.help import help_lines
from mltui.app.workbench import Workbench
from mltui.pipeline.model import StageRow, State
from mltui.runs.project import Project
from mltui.runs.rows import RunRow
from mltui.spec.model import FailureClass


def selection(state: State = State.FAILED, **changes: object) -> Selection:
    row = StageRow(2, "train", None, (), 1, state, "training", failure=FailureClass.PROGRAM)
    values: dict[str, object] = {
        "project": Project(Path("/nowhere")),
        "run": RunRow(2, State.FAILED, "local", 0.0),
        "state": State.FAILED,
        "row": row,
        "name": "train",
        "failed": (row,) if state is State.FAILED else (),
        "newest": 2,
    }
    return Selection(**{**values, **changes})  # type: ignore[arg-type]


def test_ids_and_commands_are_unique() -> None:
    ids = Counter(each.id for each in registry.ACTIONS)
    assert max(ids.values()) == 1
    for place in EVERYWHERE:
        here = [each for each in registry.ACTIONS if place in each.places]
        commands = Counter(each.command for each in here if each.command)
        assert max(commands.values()) == 1, (place, commands.most_common(2))


def test_every_action_has_words_and_a_way_to_it() -> None:
    for each in registry.ACTIONS:
        assert each.title and each.help.endswith("."), each.id
        assert each.group in GROUPS
        assert each.keys or each.command, each.id


def test_every_key_of_the_registry_is_bound_once() -> None:
    bound = {
        key.strip()
        for binding in Workbench.BINDINGS
        for key in getattr(binding, "key", "").split(",")
    }
    for key, _ in first_of_each_key():
        assert key in bound, key


def test_every_action_is_in_the_help() -> None:
    text = "\n".join(line.text for line in help_lines(120))
    for each in registry.ACTIONS:
        assert each.title in text
        for key in each.keys:
            assert key_text(key) in text


@pytest.mark.parametrize("state", list(State))
def test_actions_that_share_a_key_never_apply_together(state: State) -> None:
    for place in EVERYWHERE:
        chosen = selection(state, place=place, kind=place if place in LISTS else "containers")
        for key, _ in first_of_each_key():
            meant = [
                each
                for each in registry.ACTIONS
                if key in each.keys and place in each.places and each.applies(chosen)
            ]
            assert len(meant) <= 1, (key, [each.id for each in meant])


@pytest.mark.parametrize("state", list(State))
def test_a_refusal_is_a_sentence_without_a_final_stop(state: State) -> None:
    for each in registry.ACTIONS:
        for chosen in (selection(state), selection(state, row=None, run=None, newest=None)):
            refusal = registry.refusal(each, chosen)
            assert refusal is None or (refusal and not refusal.endswith(".")), each.id


def test_r_means_retry_on_a_failure_and_run_elsewhere() -> None:
    failed, done = selection(), selection(State.SUCCEEDED)
    assert registry.for_key("r", failed) is registry.action("stage.retry")
    assert registry.for_key("r", done) is registry.action("run.start")
    assert registry.for_key("n", failed) is registry.action("run.start")


def test_the_footer_is_in_order_of_use() -> None:
    ids = [each.id for each in registry.on_footer(selection())]
    assert ids[0] == "stage.retry"
    assert ids.index("look.log") < ids.index("mltui.help")
    assert "gate.decide" not in ids and "run.cancel" not in ids


def test_fixes_of_a_failure_begin_with_the_retry() -> None:
    rows = tuple(StageRow(2, "say", item, (), 1, State.FAILED, "data") for item in ("a", "b", "c"))
    texts = [text for _, text in registry.fixes(selection(row=rows[0], failed=rows))]
    assert texts[:2] == ["retry as it is", "retry all 3 that failed"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("pod", "pods"),
        ("ingress", "ingresses"),
        ("secret", "secrets"),
        ("run", "run"),
        ("quit", "q"),
    ],
)
def test_a_kind_may_be_named_in_the_singular(typed: str, meant: str) -> None:
    found = registry.for_command(typed, "pods" if meant != "run" else "pipeline")
    assert found is not None and found.command == meant


def test_dangerous_actions_ask() -> None:
    asks = {"serve.stop", "build.cancel"} | {
        f"docker.{verb}" for verb in ("kill", "prune", "push", "remove", "restart", "stop")
    }
    kube = {f"kube.{verb}" for verb in ("delete", "kill", "restart", "rollback")}
    assert {each.id for each in registry.ACTIONS if each.danger} == {"run.cancel", *asks, *kube}


class Names:
    """What completion may choose from."""

    stage_names = ("acquire", "train")
    run_numbers = (2, 1)
    theme_names = ("ansi", "mltui-light")
    place_names = ("dev", "digits-prod", "prod")
    view_names = ("sick",)
    object_names = ("web-5d8f", "db-0")
    selection = selection()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("po", "po"),
        ("de", "deploy"),
        ("re", "retry"),
        ("dscr", "describe"),
        ("web", "web-5d8f"),
        ("theme l", "theme mltui-light"),
        ("ns pro", "ns prod"),
        ("pods dev,pro", "pods dev,prod"),
        ("view s", "view sick"),
        ("stage tr", "stage train"),
    ],
)
def test_a_line_is_completed_with_commands_names_and_places(typed: str, first: str) -> None:
    assert completions(typed, Names())[0] == first
