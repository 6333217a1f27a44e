"""Set the image of a container of what keeps pods running."""

from __future__ import annotations

from mltui.errors import UsageError
from mltui.live.kube.cluster import Cluster
from mltui.live.kube.verbs._objects import change
from mltui.live.verbs._verb import Ref


def read_image(text: str, images: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """`web=nginx:1.27`, or only an image where there is one container. UsageError."""
    name, sign, image = text.strip().partition("=")
    names = [each for each, _ in images]
    if not sign or "/" in name or ":" in name:
        if len(images) != 1:
            raise UsageError(f"say which container: {names[0] if names else 'NAME'}=IMAGE")
        name, image = names[0], text.strip()
    if name not in names:
        raise UsageError(f"it has no container {name!r}: there is {', '.join(names)}")
    if not image or any(char.isspace() for char in image):
        raise UsageError(f"{image!r} is not an image")
    return name, image


async def set_image(cluster: Cluster, ref: Ref, container: str, image: str) -> str:
    """Have new pods use it; they replace the old ones."""
    containers = [{"name": container, "image": image}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    await change(cluster, ref, body, patch="strategic")
    return f"{ref.text} uses {image} for {container} now"
