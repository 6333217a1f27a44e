"""What an API server answers when it does not do what it was asked, as mltui's errors.

Raised by `client` and `watch`. Each names verb, resource, namespace and context; `status`, `reason`
and `message` are the server's (its `Status` object), for whoever decides by them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

from mltui.engines.kubernetes.resources import Call
from mltui.errors import Conflict, Forbidden, MltuiError

E = TypeVar("E", bound="ApiError")


class ApiError(MltuiError):
    """The API server answered with an error."""

    def __init__(
        self,
        said: str,
        *,
        status: int = 0,
        reason: str = "",
        message: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(said)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = dict(details or {})


class ApiNotFound(ApiError):
    """There is no such object, or no such kind of object, there."""


class ApiForbidden(Forbidden, ApiError):
    """This user may not do that there."""


class ApiConflict(Conflict, ApiError):
    """The object is another one, or was changed meanwhile."""


class ApiExpired(ApiError):
    """A resource version or a page is too old (410): a fresh list is needed."""


class ApiThrottled(ApiError):
    """The server asks to be left alone for a while (429, 503 with Retry-After)."""

    retry_s: float = 1.0


def may_not(call: Call, context: str) -> str:
    """`you may not list nodes in prod: ask for list on nodes`."""
    more = ", or name a namespace" if call.resource.is_namespaced and not call.namespace else ""
    return f"you may not {call.text} in {context}: ask for {call.right}{more}"


def api_error(call: Call, context: str, status: int, raw: bytes) -> ApiError:
    """The error that an answer means."""
    found: Any = None
    with suppress(ValueError):
        found = json.loads(raw)
    if not isinstance(found, dict):
        text = raw.decode("utf-8", "replace").strip()
        found = {"message": text[:500] or f"HTTP status {status}"}
    return status_error(call, context, status, found)


def status_error(call: Call, context: str, status: int, found: Mapping[str, Any]) -> ApiError:
    """The error that a `Status` object means."""
    message = str(found.get("message") or f"HTTP status {status}").strip()
    reason = str(found.get("reason") or "")
    details = found.get("details")

    def made(kind: type[E], said: str) -> E:
        return kind(
            said,
            status=status,
            reason=reason,
            message=message,
            details=details if isinstance(details, dict) else {},
        )

    if status == 401:
        said = "does not accept your credentials (they may have expired): log in again"
        return made(ApiForbidden, f"{context} {said}")
    if status == 403:
        if "is forbidden: User" in message or " cannot " in message:
            return made(ApiForbidden, may_not(call, context))
        # Admission refuses it: a quota, a policy.
        return made(ApiForbidden, f"{context} does not {call.text}: {message}")
    if status == 404:
        if call.name and details:
            return made(ApiNotFound, f"there is no {call.object_text} in {context}")
        return made(ApiNotFound, f"{context} has no {call.resource.full_name}: {message}")
    if status == 409:
        if reason == "AlreadyExists":
            return made(ApiConflict, f"there is a {call.object_text} in {context} already")
        return made(ApiConflict, f"{context} does not {call.text}: {message}")
    if status == 410:
        forgot = f"{context} has forgotten where this list of {call.resource.plural} was"
        return made(ApiExpired, forgot)
    if status in (429, 503) or reason in ("ServerTimeout", "Timeout"):
        return made(ApiThrottled, f"{context} is too busy to {call.text}: {message}")
    if status == 422:
        return made(ApiError, f"{context} refuses {call.object_text}: {message}")
    return made(ApiError, f"{context} does not {call.text}: {message}")
