"""Names of containers and images, from the names of attempts and environments. Pure.

The same attempt has the same name after a crash; that is how it is found again. Docker takes
`[a-zA-Z0-9][a-zA-Z0-9_.-]*` for a container and lower case for a repository.
"""

from __future__ import annotations

import hashlib
import re

PREFIX = "mltui-"
NAME = "mltui.name"
"""Label: the attempt's own name, which is its identity; the container's name is only made of it."""
KEY = "mltui.key"
"""Label of an image: identity of its build."""
BASES = "mltui.bases"
"""Label of an image: JSON, name of a base image → its id when it was built."""
_MAX = 120


def container_name(attempt: str) -> str:
    """Of an attempt. Two names that differ only in what Docker forbids stay different."""
    plain = re.sub(r"[^a-zA-Z0-9_.-]+", "-", attempt)
    if plain != attempt or len(plain) > _MAX:
        digest = hashlib.sha256(attempt.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        plain = f"{plain[:_MAX]}-{digest}"
    return PREFIX + plain


def image_tag(project: str, environment: str, key: str) -> str:
    """`mltui/digits-train:0123456789ab` of the environment's build `key`."""
    return f"mltui/{_component(f'{project}-{environment}')}:{key[:12]}"


def _component(text: str) -> str:
    """A path component of a repository (distribution reference grammar)."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if plain == text:
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{plain[:100].strip('-')}-{digest}".strip("-")


def full_reference(name: str) -> tuple[str, str]:
    """Repository and tag (or `sha256:…` digest) of an image's name; no tag means `latest`."""
    repository, at, digest = name.partition("@")
    if at:
        head, colon, tag = repository.rpartition(":")
        return (head if colon and "/" not in tag else repository), digest
    head, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return head, tag
    return name, "latest"
