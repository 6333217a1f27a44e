"""The `mltui logs` command that shows what a log pane shows: for a colleague, or for a script.

Called by `LogDesk` when it is asked for.
"""

from __future__ import annotations

import shlex
from itertools import dropwhile
from typing import TYPE_CHECKING

from mltui.app.widgets.logbody import Times
from mltui.errors import UsageError
from mltui.logs.merge import Merged

if TYPE_CHECKING:
    from mltui.app.widgets.logpane import LogPane
    from mltui.app.widgets.logscene import LogScene

_TIMES = {Times.CLOCK: "clock", Times.ELAPSED: "elapsed", Times.SINCE: "since"}
"""As `mltui logs --times` calls them."""


def command_of(pane: LogPane) -> str:
    """The command that shows the same: `mltui logs train~3 --run 14 --grep loss`."""
    scene = pane.scene
    if not pane.target or scene is None:
        raise UsageError("no command shows this log")
    target = shlex.split(pane.target)
    if scene.hidden and isinstance(scene.index, Merged):
        options = list(dropwhile(lambda word: not word.startswith("-"), target))
        shown = [
            each.target
            for number, each in enumerate(scene.index.sources)
            if number not in scene.hidden
        ]
        if not all(shown):
            raise UsageError("no command shows this log without those that are hidden")
        target = [*dict.fromkeys(shown), *options]
    words = ["mltui", "logs", *target]
    for each in scene.filters:
        if each.level is not None:
            words += ["--level", each.level.name.lower()]
        elif each.condition is not None:
            words.append(_option("--where", each.text))
        else:
            words.append(_option("--exclude" if each.is_inverse else "--grep", each.text))
    if scene.filters and scene.context:
        words += ["--around", str(scene.context)]
    wanted = [scene.finding.pattern, *(each.source for each in scene.finding.highlights)]
    words += [_option("--highlight", each) for each in wanted if each]
    body = scene.line_body
    if body.times in _TIMES:
        words += ["--times", _TIMES[body.times]]
    if body.fields and body.columns:
        words.append(_option("--columns", ",".join(body.columns)))
    elif body.fields:
        words += ["--fields", "all"]
    elif body.fields is None and _has_objects(scene):
        words += ["--fields", "json"]
    if scene.view.follow and "--previous" not in target:
        words.append("-f")
    return shlex.join(words)


def _has_objects(scene: LogScene) -> bool:
    places = list(dict.fromkeys(row.line for row in scene.rows))
    return any(raw.startswith(b"{") for raw in scene.index.read(places))


def _option(name: str, text: str) -> str:
    """One word, so that a pattern may begin with a dash."""
    text = text.lstrip("!").strip() if name == "--exclude" else text
    return f"{name}={text}"
