"""What is wrong, kept up to date for the header, the triage screen and the failure card.

Findings follow the journal and, once it is looked at, the live table of a Docker host; nothing is
polled. Reading happens in threads, after the first paint, and at most once in `PAUSE_S`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mltui.app.triage_hosts import ClusterFacts, DockerFacts
from mltui.errors import MltuiError
from mltui.pipeline.rows import StageRow

if TYPE_CHECKING:
    from textual.timer import Timer

    from mltui.app.panes.triage import TriagePane
    from mltui.app.present.line import Line
    from mltui.app.workbench import Workbench
    from mltui.triage.facts import Facts
    from mltui.triage.finding import Finding, Fix
    from mltui.triage.history import History

PAUSE_S = 1.0
SLOW_S = 15.0
"""How often time alone is looked at, while a run is at work: silence becomes a finding."""


class Triaging:
    """The findings of a workbench."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.findings: Sequence[Finding] = ()
        self.silent: Sequence[Finding] = ()
        """Those that a person has acknowledged; they are not counted."""
        self.count = 0
        """What the header says."""
        self.is_open = False
        self.pane: TriagePane | None = None
        self._facts: Facts | None = None
        """Of the project."""
        self._shown: Facts | None = None
        """With those of hosts, as they were diagnosed."""
        self._history: History | None = None
        self._docker = DockerFacts(bench, self._diagnose)
        self._cluster = ClusterFacts(bench, self._diagnose)
        self._alarm: Timer | None = None
        self._judging = asyncio.Lock()
        self._is_next = False
        self._looked_at = float("-inf")
        self._waits = self._looks = self._again = False

    # --- looking --------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Something is different: look again, soon."""
        if self._looks:
            self._again = True
            return
        if self._waits:
            return
        passed = asyncio.get_running_loop().time() - self._looked_at
        if passed >= PAUSE_S:
            self._begin()
        else:
            self._waits = True
            self._bench.set_timer(PAUSE_S - passed, self._begin)

    def ticked(self) -> None:
        """A second went by while a run is at work."""
        if asyncio.get_running_loop().time() - self._looked_at >= SLOW_S:
            self.refresh()

    def _begin(self) -> None:
        self._waits, self._looks = False, True
        self._looked_at = asyncio.get_running_loop().time()
        self._bench.run_worker(self._look(), group="triage", exit_on_error=True)

    async def _look(self) -> None:
        replay = self._bench.workbench_app.replay
        if replay is not None:
            self._facts, self._history = replay.facts, replay.history
            await self._diagnose()
            self._looks = False
            return
        from mltui.runs.facts import project_facts

        project, now = self._bench.session.project, self._bench.session.now()
        try:
            facts = await asyncio.to_thread(project_facts, project, now)
            if (project.folder / "serving.db").exists():
                from mltui.serving.facts import with_services

                facts = await asyncio.to_thread(with_services, facts, project)
            self._facts = facts
        except MltuiError:
            pass  # the header says that the journal can't be read
        else:
            is_asked = self._bench.workbench_app.follows_hosts
            if is_asked and self._uses("docker"):
                await self._docker.follow()
            if is_asked or self.is_open:
                is_used = self._uses("kubernetes")
                await self._cluster.follow(self._facts.project, is_used=is_used)
            await self._diagnose()
        finally:
            self._looks = False
        if self._again:
            self._again = False
            self.refresh()

    async def _diagnose(self) -> None:
        """Say what is wrong by all that is known; one at a time, for it is written down too."""
        if self._is_next:
            return
        self._is_next = True
        async with self._judging:
            self._is_next = False
            await self._judge()

    async def _judge(self) -> None:
        from mltui.runs.findings import keep_findings
        from mltui.triage.diagnosis import count, diagnose, told
        from mltui.triage.history import since_known
        from mltui.triage.quiet import parted

        facts, bench = self._facts, self._bench
        if facts is None:
            return
        facts = self._shown = self._cluster.put(self._docker.put(facts))
        if bench.workbench_app.replay is not None:
            found = await asyncio.to_thread(diagnose, facts)
        else:
            async with self._cluster.lock:
                examined = self._cluster.examined()
                found = await asyncio.to_thread(told, facts, examined)
                self._history = await asyncio.to_thread(
                    keep_findings,
                    bench.session.project,
                    found,
                    facts,
                    [each.cluster for each in examined],
                )
        assert self._history is not None
        found = since_known(found, self._history)
        before = (self.findings, self.silent)
        self.findings, self.silent = parted(found, self._history.quiet, facts.at)
        self.count = count(self.findings)
        self._wake()
        self.show_pane()
        if before != (self.findings, self.silent):
            bench.show_detail()
            bench.frame.show()
        elif self.is_open:
            bench.frame.show()  # where was looked, and whether all have answered

    def _wake(self) -> None:
        """What is quiet for a time, or has just begun, is told when that is over."""
        from mltui.triage.rules.runner import YOUNG_S

        if self._alarm is not None:
            self._alarm.stop()
            self._alarm = None
        quiet = self._history.quiet.values() if self._history is not None else ()
        ends = [each.until for each in quiet if each.until is not None]
        facts = self._facts
        for run in facts.runs if facts is not None else ():
            begins = (run.created_at or 0.0) + YOUNG_S
            if run.state == "pending" and not run.has_runner and facts and begins > facts.at:
                ends.append(begins)
        if ends:
            wait_s = max(min(ends) - self._bench.session.now(), 1.0)
            self._alarm = self._bench.set_timer(wait_s, self.refresh)

    def is_quiet(self, finding: Finding) -> bool:
        """Whether a person has acknowledged it."""
        return finding in self.silent

    async def acknowledge(self, text: str) -> None:
        """Keep the finding under the cursor quiet, with a note; one that is quiet, tell again."""
        from mltui.app.settings import person
        from mltui.runs.findings import acknowledge
        from mltui.triage.quiet import quiet_by

        bench, finding = self._bench, self.selected
        if finding is None:
            return
        again = self.is_quiet(finding)
        quiet = None if again else quiet_by(text, finding, person(), bench.session.now())
        project = bench.session.project
        try:
            self._history = await asyncio.to_thread(acknowledge, project, finding.id, quiet)
        except OSError as error:
            bench.notice(f"it can't be kept: {error.strerror or error}", bad=True)
            return
        verb = "tell again" if again else "acknowledge"
        where = finding.cluster or bench.session.name
        bench.workbench_app.settings.note_act(verb, finding.title, where, text)
        said = "it is told again" if again else "acknowledged: it is not counted until it changes"
        if quiet is not None and quiet.until is not None:
            said = f"acknowledged until {datetime.fromtimestamp(quiet.until):%a %H:%M}"
        bench.notice(said)
        await self._diagnose()

    # --- the screen -----------------------------------------------------------------------------

    def open(self) -> None:
        """Show what is wrong, in place of the pipeline."""
        self._bench.run_worker(self._open(), group="list", exit_on_error=True)

    async def _open(self) -> None:
        bench = self._bench
        if self.pane is None:
            from mltui.app.panes.triage import TriagePane

            self.pane = TriagePane()
            self.pane.opened = bench.fixing.open
            self.pane.fix = bench.fixing.do
            self.pane.news = bench.frame.show
            self.pane.display = False
            await bench.mount(self.pane, after=bench.runs)
        self.is_open = True  # before leaving: one comes from there, not from what is beneath it
        if bench.session.listing:
            bench.context.leave_runs()
        bench.listing.leave()
        bench.body.display, self.pane.display = False, True
        self.pane.give_focus()
        self.show_pane()
        bench.frame.show()
        self.refresh()
        if bench.workbench_app.replay is None:
            await self._docker.follow()

    def leave(self) -> None:
        """The pipeline is shown again."""
        if not self.is_open or self.pane is None:
            return
        bench = self._bench
        self.is_open = False
        self.pane.display, bench.body.display = False, True
        bench.stages.focus()
        bench.frame.show()

    @property
    def selected(self) -> Finding | None:
        """The finding under the cursor."""
        return self.pane.finding if self.pane is not None else None

    def fix(self, number: int) -> None:
        """A fix of the finding under the cursor, from 1."""
        if (found := self.selected) is not None:
            self._bench.fixing.do(found, number)

    def known(self, id_: str) -> Finding | None:
        """A finding as it is now."""
        told = (*self.findings, *self.silent)
        return next((each for each in told if each.id == id_), None)

    def next_pane(self) -> None:
        """The keys from the list to the detail, and back."""
        if self.pane is not None:
            part = self.pane.detail if self.pane.list.has_focus else self.pane.list
            part.focus()

    def show_pane(self) -> None:
        """Bring the screen up to date."""
        from mltui.triage.looked import looked

        if self.is_open and self.pane is not None:
            past = self._history.past if self._history is not None else ()
            quiet = self._history.quiet if self._history is not None else {}
            if self._shown is not None:
                self.pane.looked, self.pane.looked_at = looked(self._shown), self._shown.at
            self.pane.is_looking = self.is_looking
            self.pane.apply(self.findings, self.silent, quiet, past, self._bench.moment)

    @property
    def is_looking(self) -> bool:
        """That nothing is wrong can't be said yet."""
        if self._bench.workbench_app.replay is not None or self.findings:
            return False
        return self._shown is None or self._docker.is_looking or self._cluster.is_looking

    def header(self) -> Line:
        """The screen's first line."""
        from mltui.app.present.triage import header

        bench = self._bench
        is_one = self._shown is None or bool(self._shown.project)
        name, places = bench.session.name if is_one else "", self.places
        return header(
            name,
            self.findings,
            places,
            self.trouble,
            bench.moment,
            bench.band,
            is_looking=self.is_looking,
        )

    def _uses(self, engine: str) -> bool:
        return self._facts is not None and engine in self._facts.engines

    @property
    def places(self) -> tuple[str, ...]:
        """Where was looked besides the project."""
        hosts = self._shown.hosts if self._shown is not None else ()
        return tuple(each.name for each in hosts if each.is_up)

    @property
    def trouble(self) -> str:
        """What could not be looked at."""
        if self._shown is None:
            return ""
        down = [f"{each.name} does not answer" for each in self._shown.hosts if not each.is_up]
        unseen = [text.partition(":")[0] for text in self._shown.unseen]
        return next(iter(down + unseen), "")

    async def close(self) -> None:
        """The app ends."""
        await self._cluster.close()

    # --- findings -------------------------------------------------------------------------------

    def of_row(self, row: StageRow | None) -> Finding | None:
        """What is wrong with a stage; None: nothing is known of it."""
        if row is None:
            return None
        key = f"stage:{row.run}:{row.instance.label}"
        for each in self.findings:
            if each.key == key:
                return each
        return next((each for each in self.findings if key in each.explains), None)

    @staticmethod
    def is_plain_retry(fix: Fix) -> bool:
        """It does what `r` does, no more."""
        from mltui.triage.finding import Retry

        return all(isinstance(step, Retry) for step in fix.steps)

    @staticmethod
    def verbs_of(fix: Fix) -> set[str]:
        """Ids of the actions that it stands for."""
        from mltui.app.fixing import VERBS
        from mltui.triage.finding import Ask

        return {VERBS[step.verb] for step in fix.steps if isinstance(step, Ask)}
