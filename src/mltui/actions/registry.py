"""Every action, and the questions that the screen, the help and the docs ask of them all.

Adding a verb is a file with its record and a line here; nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from mltui.actions import (
    back,
    cancel,
    command,
    compare,
    cordon,
    decide,
    deploy,
    edit,
    exec,  # noqa: A004 - the verb's own name
    filter,  # noqa: A004 - the verb's own name
    forward,
    help,  # noqa: A004 - the verb's own name
    kill,
    kube_delete,
    kube_edit,
    kube_jobs,
    kube_restart,
    kube_shell,
    leave,
    measure,
    moving,
    open,  # noqa: A004 - the verb's own name
    pause,
    pin,
    places,
    previous,
    problems,
    promote,
    prune,
    pull,
    rebuild,
    remove,
    restart,
    restart_service,
    resume,
    retry,
    retry_failed,
    reveal,
    rollback,
    rollback_service,
    run,
    run_from,
    runs,
    scale,
    scale_service,
    set_image,
    shell,
    stage,
    start,
    stop,
    stop_service,
    tables,
    theme,
    triage,
    unfold,
    unpause,
)
from mltui.actions.action import GROUPS, OF_PROJECTS, Action
from mltui.actions.lists import KUBE_LISTS, LISTS
from mltui.actions.selection import LISTS as LISTS_OF_ALL
from mltui.actions.selection import PAGE, Selection
from mltui.actions.tabs import TABS
from mltui.actions.thing import VIEWS

ACTIONS: tuple[Action, ...] = (
    resume.ACTION,
    decide.ACTION,
    retry.ACTION,
    retry_failed.ACTION,
    run.ACTION,
    run_from.ACTION,
    cancel.ACTION,
    shell.ACTION,
    scale_service.ACTION,
    deploy.ACTION,
    restart_service.ACTION,
    rollback_service.ACTION,
    promote.ACTION,
    stop_service.ACTION,
    measure.ACTION,
    pin.ACTION,
    edit.ACTION,
    open.ACTION,
    unfold.UNFOLD,
    unfold.FOLD,
    *TABS,
    previous.ACTION,
    runs.ACTION,
    triage.ACTION,
    compare.ACTION,
    triage.FIX,
    triage.ACKNOWLEDGE,
    problems.ACTION,
    *LISTS,
    *KUBE_LISTS,
    *places.PLACES,
    *places.NUMBERS,
    *VIEWS,
    *tables.ACTIONS,
    previous.CONTAINER,
    previous.CHOOSE,
    exec.ACTION,
    exec.DEBUG,
    start.ACTION,
    stop.ACTION,
    restart.ACTION,
    pause.ACTION,
    unpause.ACTION,
    kill.ACTION,
    remove.ACTION,
    rebuild.REBUILD,
    rebuild.ANEW,
    rebuild.CANCEL,
    rebuild.SHELL,
    pull.PULL,
    pull.TAG,
    pull.PUSH,
    prune.ACTION,
    kube_shell.ACTION,
    forward.FORWARD,
    forward.END,
    forward.LIST,
    scale.ACTION,
    kube_restart.ACTION,
    set_image.ACTION,
    rollback.ACTION,
    kube_jobs.TRIGGER,
    kube_jobs.RERUN,
    kube_jobs.SUSPEND,
    kube_jobs.RESUME,
    cordon.CORDON,
    cordon.UNCORDON,
    reveal.ACTION,
    kube_edit.ACTION,
    kube_delete.DELETE,
    kube_delete.KILL,
    *moving.ACTIONS,
    back.ACTION,
    filter.ACTION,
    command.ACTION,
    stage.ACTION,
    help.ACTION,
    theme.ACTION,
    leave.ACTION,
)


_DECLARED = ACTIONS


def rebind(wanted: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Give actions other keys, by id; ids that could not be, with the reason.

    A key that another action has in the same place is refused: give that one another key too.
    """
    global ACTIONS
    known = {each.id: each for each in _DECLARED}
    faults: list[tuple[str, str]] = []
    chosen: dict[str, tuple[str, ...]] = {}
    for name, keys in wanted.items():
        if name in known:
            chosen[name] = keys
        elif not name.startswith(("log.", "grid.")):
            near = get_close_matches(name, known, n=1)
            faults.append((name, f"did you mean {near[0]}?" if near else "there is no such action"))
    while True:
        changed = [replace(each, keys=chosen.get(each.id, each.keys)) for each in _DECLARED]
        clashes = (_clash(each, changed, chosen) for each in changed)
        clash = next((each for each in clashes if each is not None), None)
        if clash is None:
            break
        faults.append(clash)
        del chosen[clash[0]]
    ACTIONS = tuple(changed)
    return faults


def _clash(
    mine: Action, others: Sequence[Action], chosen: Mapping[str, tuple[str, ...]]
) -> tuple[str, str] | None:
    if mine.id not in chosen:
        return None
    before = next(each for each in _DECLARED if each.id == mine.id)
    for other in others:
        shared = set(mine.keys) & set(other.keys)
        where = [place for place in mine.places if place in other.places]
        if other.id == mine.id or not shared or not where:
            continue
        declared = next(each for each in _DECLARED if each.id == other.id)
        if shared & set(before.keys) & set(declared.keys):
            continue  # they never apply at the same time
        return mine.id, f"{min(shared)} is {other.title}'s ({other.id}) in {where[0]} already"
    return None


def action(id: str) -> Action:  # noqa: A002 - the record's own word
    """The action of this id. KeyError when there is none."""
    for found in ACTIONS:
        if found.id == id:
            return found
    raise KeyError(id)


def for_key(key: str, selection: Selection) -> Action | None:
    """The action that a key means here: the first that applies, else the first that has the key."""
    found = [each for each in ACTIONS if key in each.keys]
    for each in found:
        if selection.place in each.places and each.applies(selection):
            return each
    here = [each for each in found if selection.place in each.places]
    return next(iter(here or found), None)


_LOOKING = ("Look", "Find", "mltui")
"""Groups of actions that change nothing."""
_DOING = ("triage.fix", "triage.acknowledge")
"""But these do."""


def refusal(chosen: Action, selection: Selection) -> str | None:
    """Why an action can't act on this selection, as a sentence; None: it can."""
    if selection.place not in chosen.places:
        if chosen.places == ("runs",):
            return f"{chosen.title} works in the list of runs: `R` opens it"
        if "pipeline" not in chosen.places:
            return _elsewhere(chosen)
        return f"{chosen.title} works on the pipeline: Esc goes back there"
    if selection.place == PAGE:  # a page of any kind, of which most verbs are of some
        kind = selection.kind if selection.kind in LISTS_OF_ALL else "resources"
        if kind not in chosen.places and "pipeline" not in chosen.places:
            return _elsewhere(chosen)
    if selection.is_replay and (chosen.group not in _LOOKING or chosen.id in _DOING):
        return f"{chosen.title}: this is a bundle, what it tells of is not here"
    if not selection.has_project and chosen.group in OF_PROJECTS:
        return f"{chosen.title}: there is no mltui.yaml here, `mltui init` writes one"
    return chosen.why_not(selection)


def _elsewhere(chosen: Action) -> str:
    return f"{chosen.title} works on {chosen.places[0]}: `:{chosen.places[0]}` lists them"


_ELSEWHERE = {"quit": "q", "q!": "q", "exit": "q"}
"""What other tools call a command."""


def for_command(name: str, place: str = "") -> Action | None:
    """The action with this name on the `:` line; of several, the one that works in this place.

    A kind may be named in the singular: `pod`, `ingress`.
    """
    found = [each for each in ACTIONS if each.command == name]
    for other in (f"{name}s", f"{name}es", _ELSEWHERE.get(name, "")):
        found = found or [each for each in ACTIONS if other and each.command == other]
    return next((each for each in found if place in each.places), next(iter(found), None))


def commands() -> dict[str, Action]:
    """Names of the `:` line, sorted, with their actions; the first where several share one."""
    named = [each for each in reversed(ACTIONS) if each.command]
    return {each.command: each for each in sorted(named, key=lambda a: a.command)}


def that_can(selection: Selection) -> list[Action]:
    """What has a key and can act on a selection, in order of use."""
    found = [each for each in ACTIONS if each.keys and each.can(selection)]
    return sorted(found, key=lambda each: each.rank)


def on_footer(selection: Selection) -> list[Action]:
    """What the footer offers for a selection, in order of use."""
    return [each for each in that_can(selection) if each.on_footer and each.when(selection)]


def fixes(selection: Selection) -> list[tuple[Action, str]]:
    """What the failure card offers, in order, with its words."""
    found = [(each, each.fix(selection)) for each in ACTIONS]
    offered = [(each, text) for each, text in found if text]
    return sorted(offered, key=lambda pair: pair[0].rank)


def grouped() -> Iterator[tuple[str, list[Action]]]:
    """The groups of the help, each with its actions in the registry's order."""
    for group in GROUPS:
        members = [each for each in ACTIONS if each.group == group]
        if members:
            yield group, members
