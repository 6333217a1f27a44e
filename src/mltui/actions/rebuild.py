"""Make an environment again, with or without the cache of steps; end a build that is under way."""

from __future__ import annotations

from mltui.actions.action import Action
from mltui.actions.context import Context, Question
from mltui.actions.selection import PAGE, Selection
from mltui.pipeline.rows import State

_NO_CACHE = "no-cache"


def _of_builds(selection: Selection) -> bool:
    return selection.kind == "builds"


def _why_not(selection: Selection) -> str | None:
    if not _of_builds(selection):
        return "that is for builds: `:builds` lists them"
    if not selection.things:
        return "nothing was built yet: environments are made when a stage first needs them"
    return None


def _why_not_anew(selection: Selection) -> str | None:
    missing = _why_not(selection)
    if missing is not None:
        return missing
    from mltui.runs.building import why_not_cached

    return why_not_cached(selection.things[0].build.engine)


def _why_not_cancel(selection: Selection) -> str | None:
    missing = _why_not(selection)
    if missing is not None:
        return missing
    build = selection.things[0].build
    if build.state is not State.BUILDING:
        return f"{build.id} has ended already: {build.state.value}"
    return None


async def _rebuild(context: Context, argument: str) -> None:
    if argument == _NO_CACHE:
        reason = _why_not_anew(context.selection)
        if reason is not None:
            context.notice(reason, bad=True)
            return
    await _start(context, no_cache=argument == _NO_CACHE)


async def _anew(context: Context, argument: str) -> None:
    await _start(context, no_cache=True)


async def _start(context: Context, *, no_cache: bool) -> None:
    from mltui.runs import building

    selection = context.selection
    project, build = selection.project, selection.things[0].build

    def start() -> str:
        target = building.target_for(project, build)
        building.start(project, build.environment, target, no_cache=no_cache)
        return target

    target = await context.send(start)
    if target is not None:
        anew = " without the cache" if no_cache else ""
        context.notice(f"building {build.environment}{anew} on target {target}…")


async def _cancel(context: Context, argument: str) -> None:
    from mltui.runs import building

    selection = context.selection
    project, build = selection.project, selection.things[0].build
    needs = f" Stages of run {build.run} that wait for it fail." if build.run is not None else ""
    question = Question(f"Cancel the build {build.id}?{needs} Finished steps stay.", "Cancel it")
    if not await context.confirm(question):
        return
    context.mark((build.id,), "cancelling…")

    def end() -> int:
        return building.cancel(project, build) or 0

    request = await context.send(end)
    if request is None:
        context.mark((build.id,), "")
    elif request:
        await context.answered(request)


def _why_no_shell(selection: Selection) -> str | None:
    missing = _why_not(selection)
    if missing is not None:
        return missing
    from mltui.runs.buildshells import why_not

    return why_not(selection.things[0].build)


async def _shell(context: Context, argument: str) -> None:
    from mltui.actions.shell import give_terminal
    from mltui.runs.buildshells import open_build_shell

    selection = context.selection
    project, build = selection.project, selection.things[0].build
    context.notice("making the state before the failed step again…")
    opened = await context.send(lambda: open_build_shell(project, build))
    if opened is not None:
        await give_terminal(context, opened, build.id)


REBUILD = Action(
    id="build.again",
    title="Rebuild",
    help="Build this environment again as its files are now, without a run; `no-cache` takes no "
    "step from the cache.",
    group="Docker",
    run=_rebuild,
    keys=("r",),
    command="rebuild",
    argument=_NO_CACHE,
    places=("builds", PAGE),
    applies=_of_builds,
    why_not=_why_not,
    rank=14,
    complete=lambda known: (_NO_CACHE,),
)
ANEW = Action(
    id="build.anew",
    title="Without cache",
    help="Build this environment again, every step anew.",
    group="Docker",
    run=_anew,
    keys=("R",),
    places=("builds", PAGE),
    applies=_of_builds,
    why_not=_why_not_anew,
    rank=15,
)
CANCEL = Action(
    id="build.cancel",
    title="Cancel",
    help="End this build; steps that are finished stay in the cache.",
    group="Docker",
    run=_cancel,
    keys=("ctrl+k",),
    command="cancel",
    places=("builds", PAGE),
    applies=_of_builds,
    why_not=_why_not_cancel,
    danger=True,
    rank=13,
)
SHELL = Action(
    id="build.shell",
    title="Shell",
    help="A shell in the state before the step that failed, made again from the builder's cache.",
    group="Docker",
    run=_shell,
    keys=("S",),
    places=("builds", PAGE),
    applies=_of_builds,
    why_not=_why_no_shell,
    rank=16,
)
