"""From the API server's JSON of a pod to the row that rules look at. Pure; see `kube_reading`.

Of ten thousand pods most are well, so only the fields that are used are decoded, by msgspec, and
what pods have alike is kept once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec

from mltui.triage.kube import Condition, Owner, Pod, PodContainer
from mltui.triage.kube_declared import ContainerSpec, declared_of
from mltui.triage.kube_values import plain, quantity, time_of

Raw = Mapping[str, Any]


class _Part(msgspec.Struct, gc=False, rename="camel"):
    """What the API leaves out is empty here; a null is like that."""


class _OwnerOf(_Part):
    kind: str | None = None
    name: str | None = None
    controller: bool | None = None


class _Meta(_Part):
    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, str] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: float | None = None
    finalizers: list[str] | None = None
    owner_references: list[_OwnerOf] | None = None


class _ClaimOf(_Part):
    claim_name: str | None = None


class _SecretOf(_Part):
    secret_name: str | None = None


class _ConfigOf(_Part):
    name: str | None = None


class _Volume(_Part):
    name: str | None = None
    persistent_volume_claim: _ClaimOf | None = None
    secret: _SecretOf | None = None
    config_map: _ConfigOf | None = None


class _Spec(_Part):
    node_name: str | None = None
    service_account_name: str | None = None
    scheduler_name: str | None = None
    init_containers: list[ContainerSpec] | None = None
    containers: list[ContainerSpec] | None = None
    volumes: list[_Volume] | None = None


class _Standing(_Part):
    reason: str | None = None
    message: str | None = None
    exit_code: int | None = None
    started_at: str | None = None
    finished_at: str | None = None


class _State(_Part):
    waiting: _Standing | None = None
    running: _Standing | None = None
    terminated: _Standing | None = None


class _ContainerStatus(_Part):
    name: str | None = None
    ready: bool | None = None
    restart_count: int | None = None
    state: _State | None = None
    last_state: _State | None = None


class _Condition(_Part):
    type: str | None = None
    status: str | None = None
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None


class _Status(_Part):
    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    conditions: list[_Condition] | None = None
    init_container_statuses: list[_ContainerStatus] | None = None
    container_statuses: list[_ContainerStatus] | None = None


_NO_META, _NO_SPEC, _NO_STATUS = _Meta(), _Spec(), _Status()
_NO_CONTAINER, _NONE = _ContainerStatus(), _Standing()


class _Pod(_Part):
    metadata: _Meta | None = None
    spec: _Spec | None = None
    status: _Status | None = None


_decoder = msgspec.json.Decoder(_Pod)


def decode_pod(data: bytes) -> Pod:
    """A pod of the API's bytes. ValueError for what is none."""
    return _pod(_decoder.decode(data))


def read_pod(raw: Raw) -> Pod:
    """The same of what is decoded already."""
    return _pod(msgspec.convert(raw, _Pod))


# --- what other kinds are read with, too ----------------------------------------------------------


def place_of(raw: Raw) -> tuple[str, str]:
    """Namespace and name."""
    meta = raw.get("metadata") or {}
    return plain(meta.get("namespace")), plain(meta.get("name"))


def labels_of(raw: object) -> dict[str, str]:
    """Labels, safe to show."""
    if not isinstance(raw, Mapping):
        return {}
    return {plain(name): plain(value) for name, value in raw.items()}


def owner_of(raw: Raw) -> Owner:
    """What made an object and keeps it."""
    refs = (raw.get("metadata") or {}).get("ownerReferences") or ()
    chosen = next((ref for ref in refs if ref.get("controller")), next(iter(refs), None))
    return (
        Owner() if chosen is None else Owner(plain(chosen.get("kind")), plain(chosen.get("name")))
    )


def conditions_of(status: Raw) -> tuple[Condition, ...]:
    """The conditions of a status."""
    return tuple(
        Condition(
            plain(each.get("type")),
            plain(each.get("status")),
            plain(each.get("reason")),
            plain(each.get("message")),
            time_of(each.get("lastTransitionTime")),
        )
        for each in status.get("conditions") or ()
    )


# --- a pod ----------------------------------------------------------------------------------------


def _pod(raw: _Pod) -> Pod:
    meta, spec, status = (
        raw.metadata or _NO_META, raw.spec or _NO_SPEC, raw.status or _NO_STATUS,
    )  # fmt: skip
    states = {each.name: each for each in status.container_statuses or ()}
    for each in status.init_container_statuses or ():
        states[each.name] = each
    own = spec.containers or ()
    cpu = memory = 0.0
    for one in own:
        if one.resources is not None and (asked := one.resources.requests) is not None:
            cpu += quantity(asked.cpu)
            memory += quantity(asked.memory)
    containers = [
        *(_container(each, states, is_init=True) for each in spec.init_containers or ()),
        *(_container(each, states, is_init=False) for each in own),
    ]
    return Pod(
        namespace=intern(_text(meta.namespace)),
        name=_text(meta.name),
        phase=intern(_text(status.phase)),
        reason=_text(status.reason),
        message=_text(status.message),
        node=intern(_text(spec.node_name)),
        owner=_owner(meta.owner_references) if meta.owner_references else _NOBODY,
        labels=_labels(tuple(meta.labels.items())) if meta.labels else _EMPTY,
        created_at=time_of(meta.creation_timestamp),
        deleting_since=time_of(meta.deletion_timestamp),
        grace_s=meta.deletion_grace_period_seconds or 30.0,
        finalizers=tuple(map(plain, meta.finalizers)) if meta.finalizers else (),
        conditions=tuple(_bad(status.conditions)) if status.conditions else (),
        containers=tuple(containers),
        cpu=cpu,
        memory_bytes=int(memory),
        claims=tuple(_claims(spec.volumes)) if spec.volumes else (),
        sources=_sources(spec.volumes) if spec.volumes and status.phase == "Pending" else _EMPTY,
        scheduler=intern(_text(spec.scheduler_name)),
        account=intern(_text(spec.service_account_name)),
        uid=_text(meta.uid),
    )


def _text(value: str | None) -> str:
    return plain(value) if value else ""


_NOBODY = Owner()
_EMPTY: dict[str, str] = {}


def _owner(refs: Sequence[_OwnerOf]) -> Owner:
    only = len(refs) == 1
    chosen = refs[0] if only else next((ref for ref in refs if ref.controller), refs[0])
    return _owned(chosen.kind, chosen.name)


@lru_cache(4096)
def _owned(kind: str | None, name: str | None) -> Owner:
    return Owner(plain(kind), plain(name))


@lru_cache(1024)
def _labels(raw: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Safe to show."""
    return labels_of(dict(raw))


def _bad(conditions: Sequence[_Condition]) -> Iterator[Condition]:
    """Those of pods are good when they are true."""
    for each in conditions:
        if each.status != "True":
            yield Condition(
                _text(each.type),
                _text(each.status),
                _text(each.reason),
                _text(each.message),
                time_of(each.last_transition_time),
            )


def _claims(volumes: Sequence[_Volume]) -> Iterator[str]:
    for each in volumes:
        if each.persistent_volume_claim is not None:
            yield _text(each.persistent_volume_claim.claim_name)


def _sources(volumes: Sequence[_Volume]) -> dict[str, str]:
    """Which ConfigMap or Secret a volume is filled from."""
    found = {}
    for each in volumes:
        if each.secret is not None:
            found[_text(each.name)] = f"Secret {_text(each.secret.secret_name)}"
        elif each.config_map is not None:
            found[_text(each.name)] = f"ConfigMap {_text(each.config_map.name)}"
    return found


def _container(
    spec: ContainerSpec, states: Mapping[str | None, _ContainerStatus], *, is_init: bool
) -> PodContainer:
    declared, status = declared_of(spec), states.get(spec.name, _NO_CONTAINER)
    state, inner = _state(status.state)
    _, last = _state(status.last_state)
    found = PodContainer(
        name=declared.name,
        image=declared.image,
        is_init=is_init,
        state=state,
        reason=_text(inner.reason),
        message=_text(inner.message),
        exit_code=inner.exit_code,
        started_at=time_of(inner.started_at),
        ended_at=time_of(inner.finished_at),
        is_ready=bool(status.ready),
        restarts=status.restart_count or 0,
        last_reason=_text(last.reason),
        last_exit_code=last.exit_code,
        last_message=_text(last.message),
        last_started_at=time_of(last.started_at),
        last_ended_at=time_of(last.finished_at),
        memory_limit_bytes=declared.memory_limit_bytes,
        probes=declared.probes,
        patience_s=declared.patience_s,
        ports=declared.ports,
    )
    return found if last is not _NONE or inner.reason else _kept(found)


_calm: dict[tuple[object, ...], PodContainer] = {}
_MOST_CALM = 1024


def _kept(found: PodContainer) -> PodContainer:
    """One that is the same in many pods: of a well pod only when it started differs."""
    key = (
        found.name, found.image, found.is_init, found.state, found.exit_code, found.started_at,
        found.ended_at, found.is_ready, found.restarts, found.memory_limit_bytes,
        id(found.probes), found.ports,
    )  # fmt: skip
    known = _calm.get(key)
    if known is not None and known == found:
        return known
    if len(_calm) >= _MOST_CALM:
        _calm.clear()
    _calm[key] = found
    return found


def _state(raw: _State | None) -> tuple[str, _Standing]:
    if raw is None:
        return "", _NONE
    if raw.running is not None:
        return "running", raw.running
    if raw.waiting is not None:
        return "waiting", raw.waiting
    return ("terminated", raw.terminated) if raw.terminated is not None else ("", _NONE)
