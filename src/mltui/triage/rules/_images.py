"""What a registry's or daemon's words about an image mean; of builds, containers and pods."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REF = r"(?P<ref>[a-z0-9][A-Za-z0-9./:_@-]*[A-Za-z0-9])"
_NAMES = (
    re.compile(r"manifest for " + _REF + r" not found"),
    re.compile(r"failed to resolve (?:source metadata for |reference )\"?" + _REF),
    re.compile(r"(?:pull access denied|access denied) for \"?" + _REF),
    re.compile(r"[Ff]ailed to pull image \"?" + _REF),
    re.compile(r"[Uu]nable to find image '?" + _REF),
    re.compile(r"No such image: " + _REF),
    re.compile(r"repository " + _REF + r" not found"),
    re.compile(r"invalid (?:image name|reference format)[^\"]*\"(?P<ref>[^\"]+)\""),
    re.compile(r"[Ff]ailed to (?:apply default image tag|parse image name) \"?(?P<ref>[^\"\s]+)"),
)
_KINDS = (
    ("limit", re.compile(r"toomanyrequests|rate limit|429 Too Many", re.I)),
    ("name", re.compile(r"InvalidImageName|invalid reference format|couldn't parse image", re.I)),
    ("arch", re.compile(r"no match(?:ing manifest)? for (?:platform|linux)|no matching manifest", re.I)),  # noqa: E501
    ("login", re.compile(
        r"unauthorized|authentication required|pull access denied|no basic auth|401|403 Forbidden"
        r"|authorization failed|insufficient_scope|denied: requested access", re.I)),
    ("missing", re.compile(
        r"manifest unknown|manifest for .* not found|: not found|No such image|name unknown"
        r"|failed to resolve reference|repository .* not found|NotFound", re.I)),
    ("network", re.compile(
        r"no such host|dial tcp|connection refused|i/o timeout|server misbehaving|TLS handshake"
        r"|http: server gave HTTP response|x509", re.I)),
)  # fmt: skip
_ABOUT = re.compile(
    r"manifest|pull|image|registry|repository|resolve (?:source|reference)|/v2/|invalid reference",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an image could not be had."""

    kind: str
    """missing, login, limit, name, arch or network."""
    image: str = ""

    @property
    def registry(self) -> str:
        """The host part of the image's name; empty for Docker Hub."""
        first = self.image.partition("/")[0]
        return first if "/" in self.image and ("." in first or ":" in first) else ""


def read_refusal(said: str, image: str = "") -> Refusal | None:
    """The reason in a text, None when it is not about an image. `image`: its name if known."""
    if not image and not _ABOUT.search(said):
        return None
    if not image:
        names = (pattern.search(said) for pattern in _NAMES)
        image = next((found["ref"] for found in names if found), "")
    if not image:
        return None
    kinds = [name for name, pattern in _KINDS if pattern.search(said)]
    if (
        "network" in kinds
        and "missing" in kinds
        and "not found" not in said.replace("host not found", "")
    ):
        kinds.remove("missing")
    return Refusal(kinds[0], image.removeprefix("docker.io/library/")) if kinds else None


def image_words(refusal: Refusal, who: str) -> tuple[str, str]:
    """A headline and a cause. `who`: `environment prep is built from`, `pod x runs`."""
    image, registry = refusal.image, refusal.registry or "Docker Hub"
    told = {
        "missing": (f"image {image} does not exist", f"{who} {image}, which {registry} has not"),
        "login": (
            f"image {image} needs a login",
            f"{who} {image}, and {registry} lets only those in who are logged in, or has no such "
            "image",
        ),
        "limit": (f"{registry} limits pulls of {image}", f"{registry} allows no more pulls now"),
        "name": (f"{image} is no name of an image", f"{who} {image}, which is not a valid name"),
        "arch": (
            f"image {image} is not made for this processor",
            f"{who} {image}, which has no variant for this machine's architecture",
        ),
        "network": (
            f"{registry} can't be reached for {image}",
            f"the machine can't reach {registry} to get {image}",
        ),
    }
    return told[refusal.kind]
