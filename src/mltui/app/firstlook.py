"""The first look at a list of a Docker host or a cluster: shown before the screen is loaded.

Loading the screen takes longer than the host takes to say what it has. So `run_app` asks first,
puts the rows where the list will have them, and gives them to the screen, which takes over with the
same picture and keeps it true. Whatever is in the way of that (no answer at once, a host elsewhere)
only means that the screen comes first.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.actions.listed import KUBE
from mltui.app.present.kind import header, shown_column
from mltui.app.settings import Settings
from mltui.app.widgets.columns import GAP, place
from mltui.app.widgets.rowmodel import RowModel
from mltui.errors import MltuiError
from mltui.live import cells
from mltui.live.daemon import open_daemon
from mltui.live.kind import Kind
from mltui.live.kinds import kind_named
from mltui.text import fit, shorten_end, unicode_ok

if TYPE_CHECKING:
    from mltui.app.guarded import Said
    from mltui.spec.model import Target

PATIENCE_S, CLUSTER_PATIENCE_S = 0.3, 0.5
"""What takes longer is waited for by the screen, which says so. A cluster is mostly farther."""
_GUTTER = 2
_AROUND = 5
"""Lines of a screen that are not rows: header, titles, rule, about the row, keys."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host said it has."""

    kind: Kind[Any]
    host: str
    rows: Sequence[Any]
    places: str = ""
    """Where in clusters, as it was asked for; empty: where one was last."""
    targets: Sequence[Target] = ()
    """Those of the project that mark production, until the screen has read them."""
    band: str = ""
    """What is said of these places: `PROD`."""


class FirstLook:
    """Shows a list until the screen takes over; a context, since it changes the terminal."""

    def __init__(
        self, root: Path, opens: str, said: Said, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._root, self._said = root, said
        self._environ = environ
        self._opens = opens
        self._fd = sys.__stderr__.fileno() if sys.__stderr__ is not None else 2
        self._before: list[Any] | None = None
        self.seen: Seen | None = None
        """What was shown; None: nothing was."""

    def __enter__(self) -> FirstLook:
        with suppress(OSError, termios.error, MltuiError, TimeoutError):
            self.seen = asyncio.run(ask(self._opens, self._root, self._said, self._environ))
        if self.seen is not None:
            with suppress(OSError, termios.error):
                self._show(self.seen)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:  # the screen never came
            self._write("\x1b[?25h\x1b[?1049l")
            self.hand_over()

    def hand_over(self) -> None:
        """The terminal's settings are as they were: the screen has its own."""
        if self._before is not None:
            with suppress(OSError, termios.error):
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
            self._before = None

    def _show(self, seen: Seen) -> None:
        width, height = os.get_terminal_size(self._fd)
        lines = frame(seen, self._root.name, width, height)
        before = termios.tcgetattr(self._fd)
        silent = termios.tcgetattr(self._fd)
        # What is typed meanwhile is for the screen: not shown, and Enter stays what it is.
        silent[0] &= ~termios.ICRNL
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(self._fd, termios.TCSANOW, silent)
        self._before = before
        base, dim, loud = _colours(self._environ)
        first, titles, *rest = lines
        if seen.band:
            calm, mark, after = first.rpartition(f" {seen.band} ")
            first = f"{calm}{loud}{mark}\x1b[0m{base}{after}"
        text = "\n".join((first, f"{dim}{titles}{base}", *rest))
        self._write(f"\x1b[?1049h\x1b[?25l{base}\x1b[2J\x1b[H{text}")

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(self._fd, data) :]


async def ask(
    opens: str, root: Path, said: Said, environ: Mapping[str, str] = os.environ
) -> Seen | None:
    """What there is, where that is a quick question: of this machine's host, of one place.

    `said`: what the config file says of contexts.
    """
    name, _, places = opens.partition(" ")
    if name in KUBE:
        return await _ask_cluster(name, places, root, said, environ)
    try:
        kind = kind_named(name)
    except KeyError:
        return None
    daemon = open_daemon()
    if kind.list_rows is None or kind.join is not None or daemon.client.host.scheme != "unix":
        return None
    try:
        async with asyncio.timeout(PATIENCE_S):
            return Seen(kind, daemon.name, await kind.list_rows(daemon))
    finally:
        await daemon.close()


async def _ask_cluster(
    name: str, places: str, root: Path, said: Said, environ: Mapping[str, str]
) -> Seen | None:
    from mltui.app import guarded
    from mltui.live.kube.glance import glance
    from mltui.live.kube.place import text_of

    kept = Settings(environ).places()
    found = await glance(name, places, kept[0] if kept else "", environ, CLUSTER_PATIENCE_S)
    if found is None or not found.rows:
        return None
    targets = _targets(root)
    band = guarded.band(found.where, targets, said, found.current)
    return Seen(found.kind, text_of(found.where), found.rows, places, targets, band)


def _targets(root: Path) -> tuple[Target, ...]:
    """Those of the project; its file is only read now where it marks some."""
    from mltui.runs.files import SPEC_FILE

    with suppress(OSError, MltuiError):
        text = (root / SPEC_FILE).read_bytes()
        if b"production" in text or b"read_only" in text:
            from mltui.runs.project import Project

            return tuple(Project(root).read_spec().targets.values())
    return ()


def frame(seen: Seen, project: str, width: int, height: int) -> list[str]:
    """The lines of the screen as the list will be: its header, the titles, the rows."""
    kind, unicode = seen.kind, unicode_ok()
    columns = [shown_column(each, _words(each), unicode=unicode) for each in kind.columns]
    model: RowModel[Any] = RowModel()
    model.set_rows((kind.key(row), row) for row in seen.rows)
    by, reverse = kind.sort
    sort = next(each for each in columns if each.key == by)
    model.sort_by(sort.sort_value, reverse)
    model.resize(height - _AROUND)
    placed = place(columns, width - _GUTTER)
    ellipsis = "…" if unicode else "~"

    def line(cells: Sequence[str]) -> str:
        found = [
            fit(cell, at.width, align=at.column.align, shorten=at.column.shorten, ellipsis=ellipsis)
            for cell, at in zip(cells, placed, strict=True)
        ]
        return (" " * _GUTTER + (" " * GAP).join(found)).rstrip()

    arrow = ("↓" if reverse else "↑") if unicode else ("v" if reverse else "^")
    titles = [
        shorten_end(at.column.title, at.width - 1) + arrow if at.column is sort else at.column.title
        for at in placed
    ]
    total = len(seen.rows)
    first = header(
        project, kind.name, total, total, seen.host, 0.0, "", band=seen.band, unicode=unicode
    )
    top = "".join(text for text, _ in first.laid_out(width))
    shown = [line([at.column.cell_of(model.rows[key]).text for at in placed]) for key in model.page]
    return [top.rstrip(), line(titles), *shown]


def _colours(environ: Mapping[str, str]) -> tuple[str, str, str]:
    """How the theme paints text, titles and a band, where the terminal has its colours."""
    plain = "", "", "\x1b[1;7m"
    if "NO_COLOR" in environ or environ.get("COLORTERM") not in ("truecolor", "24bit"):
        return plain
    here = Path(__file__).resolve()
    name = Settings(environ).theme() or "mltui-dark"
    for folder in (here.parents[1] / "themes", here.parents[3] / "themes"):
        with suppress(OSError):
            text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
            found: dict[str, str] = dict(re.findall(r'^\s*(\w+): "#([0-9a-fA-F]{6})', text, re.M))
            if "background" in found and "foreground" in found:
                below, text = found["background"], found["foreground"]
                base = f"\x1b[{_rgb(48, below)};{_rgb(38, text)}m"
                loud = f"\x1b[1;{_rgb(38, below)};{_rgb(48, found.get('warning', text))}m"
                return base, f"\x1b[{_rgb(38, found.get('header', text))}m", loud
    return plain


def _rgb(layer: int, digits: str) -> str:
    red, green, blue = (int(digits[n : n + 2], 16) for n in (0, 2, 4))
    return f"{layer};2;{red};{green};{blue}"


def _words(column: cells.Column[Any]) -> Callable[[Any], str]:
    """What it says of a row; colours come with the screen."""
    return lambda row: column.cell_of(row).text
