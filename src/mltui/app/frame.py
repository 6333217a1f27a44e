"""The lines around the panes: header, rule with its notice, the gate's story, footer.

Owned by the workbench, which says when something may read otherwise; each line paints only when it
really does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltui.actions import registry
from mltui.app.lineview import OneLine
from mltui.app.present.footer import ALWAYS, Offered, footer
from mltui.app.present.header import Place, header
from mltui.app.present.line import EMPTY, line
from mltui.app.present.story import story
from mltui.app.widgets.logkeys import BINDINGS, is_log
from mltui.text.width import cell_width, shorten_end

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench

NOTICE_S = 10.0
"""A notice stays so long."""


class Frame:
    """The four lines."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.header = OneLine(id="header")
        self.rule = OneLine(id="rule")
        self.story = OneLine(id="story")
        self.footer = OneLine(id="footer")
        self._notice = ""
        self._role = ""
        self._said = 0
        self._is_refusal = False

    def show(self) -> None:
        """Bring all four up to date."""
        bench, session = self._bench, self._bench.session
        width, moment = self._width, bench.moment
        session.estimate()
        place = Place(
            project=session.name,
            has_project=session.view is not None or session.has_project,
            newest=session.newest,
            listing=session.listing,
            run_count=session.run_count,
            queued=session.queued,
            problems=len(session.problems),
            trouble=session.trouble,
            wrong=bench.triaging.count,
            read_only=bench.band,
        )
        view = session.view
        listed = bench.listed
        if bench.triaging.is_open:
            self.header.show(bench.triaging.header())
        elif listed is not None:
            self.header.show(listed.header())
        else:
            wrong = f"▲{place.wrong} " if place.wrong else ""  # where the header has it
            places = [(width - cell_width(wrong), width, "look.triage")] if wrong else []
            self.header.show(header(place, view, width, moment), places)
        strip = listed.about() if listed is not None else EMPTY
        if bench.triaging.is_open:
            strip = EMPTY
        elif view is not None and not session.listing and listed is None:
            strip = story(view, session.facts, bench.stages.row, width, moment, session.left_s)
        self.story.show(strip)
        shown, places = footer(self._offered(), width)
        self.footer.show(shown, places)
        self._show_rule()
        bench.past.note()

    @property
    def _width(self) -> int:
        """The screen's; the terminal's before the first layout."""
        return self._bench.size.width or self._bench.app.size.width

    def _offered(self) -> list[Offered]:
        """The keys of whatever has them: the log's own while it is read, else those that apply."""
        selection = self._bench.selection
        found = [Offered.of(each) for each in registry.on_footer(selection)]
        if not is_log(self._bench.focused):
            return found
        own = [
            Offered(each.key.partition(",")[0], each.description, each.id or "")
            for each in BINDINGS
            if each.show
        ]
        filter_ = Offered("slash", "Search", "find.filter")
        rest = [each for each in found if each.id in ALWAYS and each.id != "find.filter"]
        return [*own[:3], Offered("escape", "Back", "look.back"), *own[3:], filter_, *rest]

    def notice(self, text: str, *, bad: bool, refusal: bool = False) -> None:
        """Say something on the rule above the story; it goes by itself.

        refusal: why a key can't act, which the next key answers.
        """
        self._notice = " ".join(text.split())
        self._role = "state-warning" if bad else "accent"
        self._is_refusal = refusal
        self._said += 1
        said = self._said
        self._show_rule()
        self._bench.set_timer(NOTICE_S, lambda: self._unsay(said))

    @property
    def said(self) -> str:
        """The notice that is shown; empty when there is none."""
        return self._notice

    def _unsay(self, said: int) -> None:
        if said == self._said:
            self._notice = ""
            self._show_rule()

    def forget_refusal(self) -> None:
        """Something else is done now: why the last key could not act is old."""
        if self._is_refusal:
            self._unsay(self._said)

    def _show_rule(self) -> None:
        width = self._width
        bar = "─" if self._bench.unicode else "-"
        notice, role = self._notice, self._role
        if not notice and (needle := self._bench.needle):
            notice, role = f"/{needle}  Esc shows all", "accent"
        if not notice:
            self.rule.show(line((bar * width, "stale")))
            return
        text = shorten_end(notice, width - 6)
        rest = bar * max(width - cell_width(text) - 4, 0)
        self.rule.show(line((f"{bar} ", "stale"), (text, role), (f" {rest}", "stale")))
