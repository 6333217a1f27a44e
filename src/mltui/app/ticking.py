"""What time alone changes on the screen: how long things take, what is due. One for a workbench.

Each second while a run is under way, each half minute where something served waits for its time;
else nothing is scheduled at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.timer import Timer

    from mltui.app.workbench import Workbench

FAST_S = 1.0
SLOW_S = 30.0
"""How often what is due in minutes is looked at."""


class Ticking:
    """Told by the workbench when something is under way that was not, or is no more."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._fast: Timer | None = None
        self._slow: Timer | None = None

    def begin(self) -> None:
        """The screen is there; nothing ticks yet."""
        self._fast = self._bench.set_interval(FAST_S, self.tick, pause=True)
        self._slow = self._bench.set_interval(SLOW_S, self.tick, pause=True)

    def follow(self) -> None:
        """Tick as long as what the session knows of takes time."""
        session = self._bench.session
        serving = session.facts.serving
        _run(self._fast, session.view is not None and session.view.is_active)
        _run(self._slow, serving is not None and serving.is_ticking)

    def tick(self) -> None:
        """Time went by: what is on screen says so."""
        bench = self._bench
        bench.session.refresh()
        moment = bench.moment
        if bench.triaging.is_open:
            bench.triaging.show_pane()
        elif bench.listed is not None:
            bench.listed.tick()
        elif not bench.session.listing:
            bench.stages.tick(moment)
            bench.detail.tick(moment)
            bench.detailing.tick()
        else:
            bench.runs.now = moment.now
            bench.runs.tick()
        bench.frame.show()
        bench.workbench_app.ticked()


def _run(timer: Timer | None, wanted: bool) -> None:
    if timer is not None:
        (timer.resume if wanted else timer.pause)()
