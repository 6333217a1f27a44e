"""The context's part that is about lists in place of the pipeline, and other programs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual.app import SuspendNotSupported

from mltui.errors import MltuiError, UsageError
from mltui.logs.sanitize import plain as sanitised

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench
    from mltui.live.daemon import Daemon
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

    def refs(self) -> Sequence[Ref]:
        """What verbs act on."""
        listed = self._bench.listed
        return listed.refs() if listed is not None else ()

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
        try:
            with self._bench.app.suspend():
                for text in say:
                    print(f"mltui: {sanitised(text.encode('utf-8', 'replace'))}")
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
