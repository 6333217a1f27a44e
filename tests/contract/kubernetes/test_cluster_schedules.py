"""CronJobs of monitors in a real cluster: told, run, collected, taken down, refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from mltui.engines.kubernetes.engine import KubernetesEngine
from mltui.engines.protocol import Stopped
from mltui.engines.scheduling import Scheduling, Seen, Timetable
from mltui.errors import Forbidden, StartFailed
from mltui.spec.model import Target

from .box import Box

pytestmark = pytest.mark.slow
DEADLINE_S = 180.0


def _scheduling(box: Box) -> Scheduling:
    return Scheduling("drift@dev", f"test-{box.mark}-drift", box.mark)


async def _timetable(box: Box, shell: str) -> Timetable:
    attempt = await box.attempt(shell=shell)
    return Timetable(_scheduling(box), attempt, 86_400.0, (), 0, 7, 5.0, "s1")


async def _seen(box: Box, fits: Callable[[Seen], bool]) -> Seen:
    """How it stands once it is so."""
    async with asyncio.timeout(DEADLINE_S):
        while not fits(seen := await box.engine.schedules.look(_scheduling(box))):  # noqa: ASYNC110
            await asyncio.sleep(0.3)
    return seen


async def test_what_a_job_measured_waits_until_it_is_collected(box: Box) -> None:
    schedules, name = box.engine.schedules, f"test-{box.mark}-drift"
    shell = 'echo "{\\"x\\": $MLTUI_MODEL_AGE_S}" > /mltui/metrics; echo seen; exit $((1 + 2))'
    wanted = await _timetable(box, shell)
    wanted = replace(wanted, attempt=replace(wanted.attempt, env={"MLTUI_MODEL_AT": "5"}))
    first = await schedules.tell(wanted)
    assert await schedules.tell(wanted) == first, "the same changes nothing"
    where = ("-n", box.namespace)
    box.cluster.kubectl(
        "patch", "cronjob", name, *where, "-p", '{"spec": {"schedule": "1 1 1 1 1"}}'
    )
    assert await schedules.tell(wanted) > first + 1, "what somebody changed is put right"

    box.cluster.kubectl("create", "job", f"hand-{box.mark}", f"--from=cronjob/{name}", *where)
    seen = await _seen(box, lambda seen: any(made.is_over for made in seen.made))
    (made,) = seen.made
    assert (made.name, made.version, made.is_kept) == (f"hand-{box.mark}", 7, True)
    assert abs(seen.now - made.at) < DEADLINE_S
    into = await box.attempt("true")
    got = await schedules.collect(made, "me", into)
    assert got is not None
    exit_, rows = got
    assert (exit_.how, exit_.code, rows) == (Stopped.EXITED, 3, 0)
    assert into.log.read_text() == "seen\n"
    age_s = float((into.folder / "metrics").read_text().removeprefix('{"x": ').rstrip("}\n"))
    assert age_s > 1e9, "how old the model is when it measures, not when it was told"
    assert await schedules.collect(made, "another", into) is None
    await schedules.forget(made)
    # Its Job stays listed as one that failed: whoever collected it knows it by its name.
    seen = await _seen(box, lambda seen: any(not made.is_kept for made in seen.made))
    assert [made.name for made in seen.made] == [f"hand-{box.mark}"]

    await schedules.take_down(_scheduling(box))
    await _seen(box, lambda seen: seen.sign is None and not seen.made and not seen.is_busy)
    await schedules.take_down(_scheduling(box))


async def test_a_job_that_somebody_ended_is_told(box: Box) -> None:
    schedules, name = box.engine.schedules, f"test-{box.mark}-drift"
    await schedules.tell(await _timetable(box, "sleep 1000"))
    where = ("-n", box.namespace)
    job = f"hand-{box.mark}"
    box.cluster.kubectl("create", "job", job, f"--from=cronjob/{name}", *where)
    await _seen(box, lambda seen: [made.name for made in seen.made] == [job])
    # Run again by a person, a Job has none of our labels: it is at work all the same.
    box.cluster.kubectl("label", "job", job, "mltui.schedule-", *where)
    assert [made.is_over for made in (await schedules.look(_scheduling(box))).made] == [False]
    box.cluster.kubectl("delete", "job", job, *where)
    seen = await _seen(box, lambda seen: any(made.is_over for made in seen.made))
    got = await schedules.collect(seen.made[0], "me", await box.attempt("true"))
    assert got is not None
    exit_, _ = got
    # Whether its end was still kept is the node's business.
    said = "its Job was removed by somebody else"
    assert exit_.message == said or exit_.how is Stopped.SIGNALLED, exit_
    await schedules.take_down(_scheduling(box))


async def test_what_is_not_ours_or_not_allowed_is_said(box: Box) -> None:
    scheduling = _scheduling(box)
    theirs = {
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": scheduling.name},
        "spec": {"schedule": "@yearly", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "x", "image": "x"}]}}}}},
    }  # fmt: skip
    box.cluster.apply(theirs, namespace=box.namespace)
    try:
        with pytest.raises(StartFailed, match="by a CronJob that mltui did not make"):
            await box.engine.schedules.look(scheduling)
        await box.engine.schedules.take_down(scheduling)
        box.cluster.get("cronjob", scheduling.name, "-n", box.namespace)
    finally:
        box.cluster.kubectl("delete", "cronjob", scheduling.name, "-n", box.namespace)
    if box.cluster.viewer is None:
        pytest.skip("needs the test cluster's user without rights")
    target = Target("dev", "kubernetes", namespace=box.namespace)
    environ = {**box.cluster.environ, "KUBECONFIG": str(box.cluster.viewer)}
    other = KubernetesEngine(target, environ=environ, cache=box.root / "cache")
    try:
        with pytest.raises(Forbidden, match=f"you may not get cronjob {box.namespace}/"):
            await other.schedules.look(scheduling)
    finally:
        await other.close()
