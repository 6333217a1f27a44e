"""Opens and leaves the lists that stand in place of the pipeline; the first loads them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.app.commandline import nearest
from mltui.app.main import HOSTS
from mltui.errors import MltuiError, UsageError

if TYPE_CHECKING:
    from mltui.app.lists import Lists, Trail
    from mltui.app.sources.namespaces import Namespaces
    from mltui.app.workbench import Workbench
    from mltui.live.kube.place import Where


def _make(bench: Workbench) -> Lists:
    from mltui.app.lists import Lists

    return Lists(bench)


class Listing:
    """Which list is shown, if any."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._lists: Lists | None = None
        self.make: Callable[[Workbench], Lists] = _make
        self.files: set[Path] = set()
        """Files that the list wants to hear of."""

    @cached_property
    def namespaces(self) -> Namespaces:
        """Which there are; loaded when somebody types where to look."""
        from mltui.app.sources.namespaces import Namespaces

        return Namespaces(self._bench)

    @property
    def known(self) -> Lists | None:
        """The lists, also while none is shown; None before the first."""
        return self._lists

    @property
    def current(self) -> Lists | None:
        """The list on screen; None: the pipeline or the runs are."""
        return self._lists if self._lists is not None and self._lists.is_open else None

    def open(self, kind: str) -> None:
        """Show a list of a host, or the builds, in place of the pipeline."""
        self._bench.run_worker(self.show(kind), group="list", exit_on_error=True)

    def begin(self, words: str) -> None:
        """The list that the app opens on; `HOSTS`: whatever there is to look at here."""
        if words != HOSTS:
            kind, _, places = words.partition(" ")
            self._bench.run_worker(
                self.show(kind, places or None), group="list", exit_on_error=True
            )
            return
        self._bench.run_worker(self._begin(), group="list", exit_on_error=True)

    async def _begin(self) -> None:
        said = []
        for kind in ("pods", "containers"):
            try:
                await self.opened(kind)
            except MltuiError as error:
                said.append(str(error))
            else:
                return
        self._bench.notice(said[-1], bad=True)

    async def show_view(self, view: Any) -> None:
        """A list with places, filter and columns, as `Lists.described` tells them. MltuiError."""
        from mltui.app.look import Look

        if not isinstance(view, dict) or not isinstance(view.get("list"), str):
            raise UsageError("this view names no list")
        await self.opened(view["list"], view.get("places") or None)
        if (lists := self.current) is not None:
            lists.pane.show_look(Look.of(view))
            lists.pane.filter(str(view.get("filter") or ""))
            self._bench.frame.show()

    def open_unknown(self, name: str) -> None:
        """What was typed is no command: it may be a resource of the cluster, or a thing's name."""
        self._bench.run_worker(self._find(name), group="act", exit_on_error=True)

    async def _find(self, name: str) -> None:
        from mltui.app.finding import go_to

        try:
            if self.current is not None and self.current.is_kube:
                with suppress(UsageError):
                    return await self.opened(name)
            if await go_to(self._bench, name):
                return None
        except MltuiError as error:
            self._bench.notice(str(error), bad=True)
            return None
        near = nearest(name)
        hint = f": did you mean :{near}?" if near else ": ? lists all commands"
        self._bench.notice(f"there is no command and nothing called {name!r}{hint}", bad=True)
        return None

    def go(self, places: str | Where, then: str = "", trail: Trail = ()) -> None:
        """Look at other places of Kubernetes, and show a list there; `trail` leads back."""
        self._bench.run_worker(self.show(then, places, trail), group="list", exit_on_error=True)

    def go_favourite(self, number: int) -> None:
        """Look at the place of this number; 0: all namespaces."""
        lists = self._lists
        if lists is None:
            return
        if number == 0:
            self.go("*")
            return
        known = lists.kube.favourites()
        if number > len(known):
            self._bench.notice(
                f"no place has the number {number}: those you look at get the next", bad=True
            )
            return
        self.go(known[number - 1])

    async def lists(self) -> Lists:
        """The lists, whether one is shown or not; the first call loads them."""
        if self._lists is None:
            bench = self._bench
            self._lists = self.make(bench)
            self._lists.pane.display = False
            await bench.mount(self._lists.pane, after=bench.runs)
        return self._lists

    async def show(
        self,
        kind: str,
        places: str | Where | None = None,
        trail: Trail = (),
    ) -> None:
        """Show a list, or say why there is none."""
        try:
            await self.opened(kind, places, trail)
        except MltuiError as error:
            self._bench.notice(str(error), bad=True)

    async def opened(self, kind: str, places: str | Where | None = None, trail: Trail = ()) -> None:
        """The same, once it is shown. MltuiError when there is none of that name, or no host."""
        bench = self._bench
        lists = await self.lists()
        if places is not None:
            kube = lists.kube
            where = await kube.parse(places) if isinstance(places, str) else places
            await kube.go(where)
            if isinstance(places, str):
                self.namespaces.check(where)
            shown = lists.kind.name if lists.is_open and lists.is_kube else ""
            aside = ("", "contexts", "forwards", "namespaces", "tree")
            kind = kind or (kube.last if shown in aside else shown)
        await lists.open(kind, trail)
        bench.triaging.leave()
        if bench.session.listing:
            bench.context.leave_runs()
        bench.body.display, lists.pane.display = False, True
        lists.pane.give_focus()
        bench.frame.show()
        if lists.is_kube:
            bench.triaging.refresh()  # what is looked at is judged too

    def leave(self) -> None:
        """Back to the pipeline."""
        listed, bench = self.current, self._bench
        if listed is not None:
            listed.pane.display, bench.body.display = False, True
            listed.leave()
            bench.stages.focus()
            bench.frame.show()

    def watch(self, files: set[Path]) -> None:
        """Have the list told when these files change."""
        if files != self.files:
            self.files = files
            self._bench.session.watch_files(self._bench.detail_files | files)

    async def close(self) -> None:
        """The app ends."""
        if self._lists is not None:
            await self._lists.close()
