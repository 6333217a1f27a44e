"""Suspend and resume, trigger now, run again: Jobs and CronJobs."""

from __future__ import annotations

from mltui.actions._kube import do, kube_action
from mltui.actions.context import Context
from mltui.actions.selection import Selection


def _rests(selection: Selection) -> bool:
    return bool(selection.things) and bool(getattr(selection.things[0], "is_suspended", False))


async def _suspend(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.jobs import suspend

    await do(context, context.refs(), "suspending…", lambda c, ref: suspend(c, ref, True))


async def _resume(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.jobs import suspend

    await do(context, context.refs(), "resuming…", lambda c, ref: suspend(c, ref, False))


async def _trigger(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.jobs import trigger

    await do(context, context.refs(), "starting…", trigger)


async def _rerun(context: Context, argument: str) -> None:
    from mltui.live.kube.verbs.jobs import rerun

    await do(context, context.refs(), "starting again…", rerun)


SUSPEND = kube_action(
    "suspend", "Suspend", "Let a Job or CronJob rest; a Job's pods end.", _suspend, keys=("z",),
    rank=20, applies=lambda selection: not _rests(selection),
)  # fmt: skip
RESUME = kube_action(
    "unsuspend", "Resume", "Let it go on.", _resume, keys=("z",), rank=20, applies=_rests,
)  # fmt: skip
TRIGGER = kube_action(
    "trigger", "Trigger", "Start a CronJob's Job now.", _trigger, keys=("t",), rank=16,
)  # fmt: skip
RERUN = kube_action(
    "rerun", "Run again", "Do a Job's work once more, as a new Job.", _rerun, keys=("r",), rank=18,
)  # fmt: skip
