"""Suspend and resume Jobs and CronJobs, trigger a CronJob now, run a Job again as a new one."""

from __future__ import annotations

import re
import time
from typing import Any

from mltui.live.kube.cluster import Cluster
from mltui.live.kube.verbs._objects import change
from mltui.live.verbs._verb import Ref

_OWN = (
    "controller-uid", "job-name", "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
)  # fmt: skip
"""Labels that the Job controller gives; a new Job gets its own."""
_LONGEST = 63
_RERUN = re.compile(r"-r(\d{6,})$")


async def suspend(cluster: Cluster, ref: Ref, suspended: bool) -> str:
    """Let it rest, or go on."""
    await change(cluster, ref, {"spec": {"suspend": suspended}})
    return f"{ref.text} {'rests' if suspended else 'goes on'}"


async def trigger(cluster: Cluster, ref: Ref) -> str:
    """Start a CronJob's Job now, as `kubectl create job --from` does."""
    from mltui.engines.kubernetes.resources import CRON_JOBS, JOBS

    client = cluster.client
    found = await client.get(CRON_JOBS, ref.namespace, ref.name)
    template = (found.get("spec") or {}).get("jobTemplate") or {}
    name = _named(ref.name, "m")
    body = {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": name,
            "labels": (template.get("metadata") or {}).get("labels") or {},
            "annotations": {
                **((template.get("metadata") or {}).get("annotations") or {}),
                "cronjob.kubernetes.io/instantiate": "manual",
            },
            "ownerReferences": [
                {"apiVersion": CRON_JOBS.api_version, "kind": CRON_JOBS.kind, "name": ref.name,
                 "uid": ref.uid, "controller": True},
            ],
        },
        "spec": template.get("spec") or {},
    }  # fmt: skip
    await client.create(JOBS, ref.namespace, body)
    return f"started job {ref.namespace}/{name}"


async def rerun(cluster: Cluster, ref: Ref) -> str:
    """The same Job once more, under a new name; the old one stays with its logs."""
    from mltui.engines.kubernetes.resources import JOBS

    found = await cluster.client.get(JOBS, ref.namespace, ref.name)
    meta, spec = found.get("metadata") or {}, dict(found.get("spec") or {})
    for part in ("selector", "manualSelector"):
        spec.pop(part, None)
    spec["suspend"] = False
    template = dict(spec.get("template") or {})
    template["metadata"] = _without_own(template.get("metadata") or {})
    spec["template"] = template
    name = _named(_RERUN.sub("", ref.name), "r")
    labels = _without_own(meta).get("labels") or {}
    # It is no stage of a run that would be adopted by the runner; it only does the same work.
    labels = {key: value for key, value in labels.items() if not key.startswith("mltui.")}
    body = {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {"name": name, "labels": labels, "annotations": {"mltui.rerun-of": ref.name}},
        "spec": spec,
    }
    await cluster.client.create(JOBS, ref.namespace, body)
    return f"started job {ref.namespace}/{name}"


def _without_own(meta: dict[str, Any]) -> dict[str, Any]:
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k not in _OWN}
    kept = {k: v for k, v in meta.items() if k in ("annotations", "name")}
    return {**kept, "labels": labels}


def _named(name: str, mark: str) -> str:
    """A new name that says what it is of; at the limit the name is cut, not the mark."""
    end = f"-{mark}{int(time.time() * 10) % 10_000_000_000}"
    return name[: _LONGEST - len(end)].rstrip("-.") + end
