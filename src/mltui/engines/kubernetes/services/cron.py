"""A monitor as objects of a namespace: what the server is told. Pure.

Called by `schedules`. Told by server-side apply, like a service. Times are fields of cron where
they can say a period; else `@every`, which the controller counts from the last time. Source:
Kubernetes docs, "CronJob".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mltui.engines.hosting import Hosting
from mltui.engines.kubernetes import manifest
from mltui.engines.kubernetes.manifest import MANAGED, Served
from mltui.engines.kubernetes.services.objects import MARK, object_name
from mltui.engines.scheduling import Scheduling, Timetable
from mltui.spec.model import Pods

SCHEDULE = "mltui.schedule"
"""Label: finds a monitor's Jobs; its value is the CronJob's name."""
MONITOR, SIGN = "mltui.monitor", "mltui.sign"
"""Annotations: whose it is, and what it was told."""
JOB = "batch.kubernetes.io/job-name"
"""Label of a Job's pods."""
KEPT_JOBS = 3
"""Of each end; what they measured waits in the store, however many there are."""
_DAY_MIN = 24 * 60


def cron_name(scheduling: Scheduling) -> str:
    """The name of a monitor's objects: short enough for the names of its Jobs."""
    return object_name(Hosting(scheduling.monitor, scheduling.name, scheduling.mark))


def cron_text(every_s: float, seed: str) -> str | None:
    """A period as a schedule; None where that is no whole minutes.

    `seed`: whose it is, so that not all of them begin in the same minute.
    """
    minutes, rest = divmod(every_s, 60)
    if rest or minutes < 1:
        return None
    every = int(minutes)
    phase = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    minute, hour = phase % 60, phase // 60
    if every == 1:
        return "* * * * *"
    if 60 % every == 0 and every < 60:
        return f"{phase % every}-59/{every} * * * *"
    hours = every // 60
    if every % 60 == 0 and hours == 1:
        return f"{minute} * * * *"
    if every % 60 == 0 and hours < 24 and 24 % hours == 0:
        return f"{minute} {hour % hours}-23/{hours} * * *"
    if every == _DAY_MIN:
        return f"{minute} {hour % 24} * * *"
    return f"@every {hours}h" if every % 60 == 0 else f"@every {every}m"


def cron_job(
    wanted: Timetable,
    *,
    image: str,
    tree: str,
    served: Served,
    pods: Pods,
    owners: Sequence[Mapping[str, Any]],
    secret: str | None,
    user: str,
    grace_s: float,
) -> dict[str, Any]:
    """The CronJob; it goes with the Deployments (`owners`) that it measures."""
    attempt = wanted.attempt
    name = cron_name(wanted.scheduling)
    labels = {key: manifest.label_value(value) for key, value in attempt.labels.items()}
    labels |= {**MANAGED, SCHEDULE: name}
    if not attempt.network:
        labels[manifest.NETWORK] = manifest.CLOSED
    whose = _whose(wanted.scheduling)
    this = {
        "name": "MLTUI_JOB",
        "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{JOB}']"}},
    }
    spec = manifest.pod(
        attempt,
        image=image,
        tree=tree,
        served=served,
        pods=pods,
        starter=[*manifest.STARTER, "/mltui/bin/shim", f"{grace_s:g}"],
        beside={"name": manifest.KEEP, "args": ["keep", "$(MLTUI_JOB)"], "env": [this]},
        grace_s=int(grace_s) + manifest.KEEP_S,
        secret=secret,
        user=user,
    )
    fetch = spec["initContainers"][0]
    fetch["args"] = [*fetch["args"], _measured(wanted, name)]
    fetch["env"] = [this, *fetch["env"]]
    text = cron_text(wanted.every_s, f"{wanted.scheduling.mark} {name}")
    assert text is not None
    deadline_s = int(wanted.every_s) * (2 if text.startswith("@") else 1)
    job: dict[str, Any] = {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        "template": {
            "metadata": {"labels": labels, "annotations": whose},
            "spec": {"restartPolicy": "Never", **spec},
        },
    }
    if attempt.timeout_s is not None:
        # The next time waits for this one's end.
        limit_s = attempt.timeout_s + pods.patience_s + 2 * manifest.KEEP_S
        job["activeDeadlineSeconds"] = int(limit_s) + 1
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {**whose, SIGN: wanted.sign},
            "ownerReferences": list(owners),
        },
        # Whether it is suspended is a person's business: not told.
        "spec": {
            "schedule": text,
            "concurrencyPolicy": "Forbid",
            # What was missed is made up for once, until the next time is due.
            "startingDeadlineSeconds": deadline_s,
            "successfulJobsHistoryLimit": KEPT_JOBS,
            "failedJobsHistoryLimit": KEPT_JOBS,
            "jobTemplate": {"metadata": {"labels": labels, "annotations": whose}, "spec": job},
        },
    }


def _measured(wanted: Timetable, name: str) -> str:
    """What `fetch` is told of a measurement; see `store.pod`."""
    windows = [[object_name(each.service), each.window_s, each.path] for each in wanted.records]
    return json.dumps(
        {
            "record": "$(MLTUI_JOB)",
            "schedule": name,
            "version": wanted.version,
            "windows": windows,
            "since": {object_name(each.service): each.since for each in wanted.records},
            "min_rows": wanted.min_rows,
        }
    )


def owner(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The Deployment that a monitor goes with."""
    meta = deployment["metadata"]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": meta["name"], "uid": meta["uid"]}


def cron_secret(
    wanted: Timetable, name: str, owners: Sequence[Mapping[str, Any]], values: Mapping[str, str]
) -> dict[str, Any]:
    """The secrets of a monitor's stage (base64)."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "labels": {**MANAGED, SCHEDULE: cron_name(wanted.scheduling)},
            "annotations": _whose(wanted.scheduling),
            "ownerReferences": list(owners),
        },
        "type": "Opaque",
        "data": dict(values),
    }


def _whose(scheduling: Scheduling) -> dict[str, str]:
    return {MONITOR: scheduling.monitor, MARK: scheduling.mark}
