"""Lists in place of the pipeline: what is on the Docker host, and the builds of this project."""

from __future__ import annotations

from mltui.actions.action import EVERYWHERE, Action, Context


def _list(kind: str, title: str, help: str, *other: str) -> tuple[Action, ...]:  # noqa: A002
    """One record a name, so that each can be typed."""

    async def run(context: Context, argument: str) -> None:
        context.show_list(kind)

    return tuple(
        Action(
            id=f"list.{name}",
            title=title if name == kind else f"{title} ({name})",
            help=help if name == kind else f"The same as `:{kind}`.",
            group="Docker",
            run=run,
            command=name,
            places=EVERYWHERE,
            rank=60,
        )
        for name in (kind, *other)
    )


LISTS = (
    *_list("containers", "Containers", "Every container of the Docker host, live.", "ps", "co"),
    *_list("images", "Images", "Its images, with who uses them and their sizes."),
    *_list("volumes", "Volumes", "Its volumes, with who mounts them."),
    *_list("networks", "Networks", "Its networks, with who is on them."),
    *_list("compose", "Compose", "Compose projects, by the containers they have."),
    *_list("builds", "Builds", "Builds of this project's environments; Enter shows the steps."),
)
