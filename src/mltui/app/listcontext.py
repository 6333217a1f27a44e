"""The context's part that is about lists in place of the pipeline, and other programs."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual.app import SuspendNotSupported

from mltui.errors import MltuiError, UsageError

if TYPE_CHECKING:
    from mltui.actions.context import Question
    from mltui.app.workbench import Workbench
    from mltui.live.daemon import Daemon
    from mltui.live.kube.cluster import Cluster
    from mltui.live.verbs import Ref

T = TypeVar("T")


class ListContext:
    """What an action may do with a list, done on a workbench."""

    def __init__(self, workbench: Workbench) -> None:
        self._bench = workbench

    def show_list(self, kind: str) -> None:
        """Show a list in place of the pipeline."""
        self._bench.listing.open(kind)

    def show_thing(self, view: str) -> None:
        """Show the log or a page of what is under the cursor."""
        if (listed := self._bench.listed) is not None:
            listed.view(view)
            self._bench.frame.show()

    async def go_through_places(self, step: int) -> None:
        """Back and forward."""
        if not await self._bench.past.go(step):
            self._bench.notice("there is no place " + ("before" if step < 0 else "after"))

    async def go_to_relative(self) -> None:
        """To what belongs to the selected thing."""
        from mltui.app.relatives import go_to_relative

        await go_to_relative(self._bench)

    def zoom(self) -> None:
        """The stage's pane over the whole width."""
        bench = self._bench
        bench.left.display = not bench.left.display
        bench.detail.stand_alone(not bench.left.display)
        if not bench.left.display:
            bench.detail.give_focus()
        elif bench.focused is None:
            bench.stages.focus()

    def widen(self, percent: int) -> None:
        """More of the width for the list of stages, or less."""
        self._bench.shares.widen(percent)

    async def arrange(self, what: str, argument: str) -> None:
        """Do something with the list as a whole."""
        from mltui.app.arranging import Arranging

        if (listed := self._bench.listed) is not None:
            await Arranging(self._bench, listed).do(what, argument)
        elif self._bench.session.listing:
            from mltui.app.arrangingruns import RunArranging

            await RunArranging(self._bench).do(what, argument)

    async def show_view(self, name: str) -> None:
        """Show a view that was kept. UsageError when none has that name."""
        views = self._bench.workbench_app.settings.views()
        if not name and views:
            names = list(views)
            index = await self.choose("Which view?", names)
            if index is None:
                return
            name = names[index]
        if name not in views:
            known = f"there are {', '.join(views)}" if views else "`:keep-view NAME` keeps one"
            raise UsageError(f"there is no view {name!r}: {known}")
        await self._bench.listing.show_view(views[name])

    def go_places(self, text: str, then: str = "") -> None:
        """Look at other namespaces or clusters of Kubernetes."""
        self._bench.listing.go(text, then)

    async def forward(self, ref: Ref, ports: str) -> None:
        """Lead a port of this machine to an object."""
        if (listed := self._bench.listed) is None:
            return
        self._bench.notice(f"forwarding to {ref.text}…")
        forwards = listed.kube.forwards
        row = await self.on_cluster(
            ref.context, lambda cluster: forwards.start(cluster, ref, ports)
        )
        if row is not None:
            self._bench.notice(f"{row.name} leads to {ref.text}, port {row.remote}: `:forwards`")

    def end_forward(self, key: str) -> None:
        """Close a port that leads into a cluster."""
        if (listed := self._bench.listed) is not None and listed.kube.forwards.stop(key):
            self._bench.notice("the port is closed")

    def go_favourite(self, number: int) -> None:
        """Look at the place of this number; 0: all namespaces."""
        self._bench.listing.go_favourite(number)

    async def ask_text(self, sentence: str, text: str = "") -> str | None:
        """Ask for a line of text."""
        from mltui.app.dialogs.asking import TextDialog

        return await self._bench.app.push_screen_wait(TextDialog(sentence, text))

    async def choose(self, sentence: str, words: Sequence[str]) -> int | None:
        """Ask for one of these."""
        from mltui.app.dialogs.asking import PickDialog

        return await self._bench.app.push_screen_wait(PickDialog(sentence, words))

    async def show_difference(self, question: Question, lines: Sequence[str]) -> bool:
        """Show what would change, and ask."""
        from mltui.app.dialogs.asking import DifferenceDialog

        return await self._bench.app.push_screen_wait(DifferenceDialog(question, lines))

    async def edit_text(self, name: str, text: str) -> str | None:
        """Give a text to the person's editor."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        with tempfile.TemporaryDirectory(prefix="mltui-") as folder:
            file = Path(folder) / name.replace("/", "_")
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")
            try:
                await self.outside(
                    [*shlex.split(editor), str(file)], cwd=Path(folder), env=os.environ
                )
                edited = file.read_text(encoding="utf-8")
            except MltuiError as error:
                self._bench.notice(str(error), bad=True)
                return None
            except (OSError, ValueError) as error:
                self._bench.notice(f"what was edited can't be read: {error}", bad=True)
                return None
        return edited if edited != text else None

    async def on_cluster(self, context: str, ask: Callable[[Cluster], Awaitable[T]]) -> T | None:
        """Do something with a Kubernetes cluster."""
        try:
            listed = self._bench.listed or await self._bench.listing.lists()
            return await listed.on_cluster(context, ask)
        except MltuiError as error:
            self._bench.notice(str(error), bad=True)
            return None

    def refs(self) -> Sequence[Ref]:
        """What verbs act on."""
        listed = self._bench.listed
        return listed.refs() if listed is not None else ()

    def note_act(self, verb: str, what: str, where: str, said: str) -> None:
        """Write down what was done."""
        self._bench.workbench_app.settings.note_act(verb, what, where, said)

    def mark(self, keys: Iterable[str], text: str, *, soon: bool = False) -> None:
        """Mark rows with what is being done."""
        if (listed := self._bench.listed) is not None:
            listed.pane.mark(keys, text, soon=soon)

    async def on_host(self, ask: Callable[[Daemon], Awaitable[T]]) -> T | None:
        """Do something with the list's Docker host."""
        listed = self._bench.listed
        if listed is None:
            return None
        try:
            return await listed.on_host(ask)
        except MltuiError as error:
            self._bench.notice(str(error), bad=True)
            return None

    async def outside(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        say: Sequence[str] = (),
    ) -> int:
        """Give the terminal to a program; the screen comes back afterwards."""
        from mltui.logs.sanitize import plain

        try:
            with self._bench.app.suspend():
                for text in say:
                    print(f"mltui: {plain(text.encode('utf-8', 'replace'))}")
                sys.stdout.flush()
                process = await asyncio.create_subprocess_exec(*argv, cwd=cwd, env=dict(env))
                code = await process.wait()
        except SuspendNotSupported as error:
            raise UsageError(f"{argv[0]} needs a terminal of its own, which is not here") from error
        except OSError as error:
            raise UsageError(f"{argv[0]} can't be started: {error.strerror}") from error
        finally:
            self._bench.refresh(layout=True)
        return code
