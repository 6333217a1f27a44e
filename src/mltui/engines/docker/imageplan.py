"""What an environment's image is made of, read from its files, and the identity of that.

Called by `environments`. Only files are read: neither a daemon nor a builder is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mltui.engines.docker import dockerfile, generated
from mltui.engines.docker.context import BuildContext, Digests, read_context
from mltui.engines.docker.dockerfile import Dockerfile
from mltui.engines.docker.names import image_tag
from mltui.errors import BuildFailed
from mltui.spec.model import Environment

MADE_FROM = "Dockerfile made from"
_FORMAT = 1
_NO_TEXT = dockerfile.parse("")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an environment's image is made of."""

    environment: Environment
    key: str
    tag: str
    image: str | None = None
    """Only fetched, by this name."""
    dockerfile: Dockerfile = _NO_TEXT
    file: Path | None = None
    shown: str = ""
    context: BuildContext | None = None
    made: generated.Generated | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    parts: tuple[str, ...] = ()
    """What decides about the image, a line each, for `Built.resolved`."""


def read_plan(environment: Environment, project: Path, base: str | None, digests: Digests) -> Plan:
    """What an environment's image is made of now. `base`: the one of what is generated.

    BuildFailed when it has nothing to be made of, or its Dockerfile can't be read.
    """
    image = environment.image
    if image is not None and image.name is not None and image.build is None:
        key = _hash(["image", image.name])
        return Plan(environment, key, image.name, image.name, shown=image.name)
    if image is not None and image.build is not None:
        return _of_folder(environment, project, digests)
    if environment.requirements is not None:
        return _of_requirements(environment, project, base)
    raise BuildFailed(
        f"environment {environment.name!r} has neither an image nor requirements: give it "
        "`image:` or `requirements:`"
    )


def _of_folder(environment: Environment, project: Path, digests: Digests) -> Plan:
    image = environment.image
    assert image is not None and image.build is not None
    root = project / image.build
    file = root / (image.dockerfile or "Dockerfile")
    shown = shown_from(file, project)
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BuildFailed(f"{shown} can't be read: {reason}") from error
    context = read_context(root, file)
    parts = (
        f"dockerfile {_hash(text)}",
        f"context {digests.digest(context)}",
        *(f"arg {name}={value}" for name, value in sorted(image.args.items())),
        *((f"target {image.build_target}",) if image.build_target else ()),
    )
    key = _hash([_FORMAT, *parts])
    return Plan(
        environment,
        key,
        image_tag(project.resolve().name, environment.name, key),
        None,
        dockerfile.parse(text),
        file,
        shown,
        context,
        None,
        image.args,
        image.build_target,
        parts,
    )


def _of_requirements(environment: Environment, project: Path, base: str | None) -> Plan:
    made = generated.plan(environment, project, base)
    parts = (
        f"generated {generated.FORMAT} {_hash(made.text)}",
        *(f"requirements {name} {_hash(text)}" for name, text in made.requirements.texts),
        *(f"package {name} {digest}" for name, digest in made.requirements.local),
    )
    key = _hash([_FORMAT, *parts])
    tag = image_tag(project.resolve().name, environment.name, key)
    shown = f"{MADE_FROM} {environment.requirements}"
    return Plan(
        environment, key, tag, None, dockerfile.parse(made.text), None, shown, made=made,
        parts=parts,
    )  # fmt: skip


def shown_from(path: Path, project: Path) -> str:
    """A path as a person of the project knows it."""
    try:
        return path.resolve().relative_to(project.resolve()).as_posix()
    except ValueError:
        return str(path)


def _hash(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
