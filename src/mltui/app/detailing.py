"""What the detail pane says: of the selected stage, of the file's problems, what to do first."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from mltui.actions import registry
from mltui.actions.action import Action
from mltui.actions.buildtree import FILE as STEPS
from mltui.app.panes.textpane import Subject
from mltui.app.present.card import Evidence
from mltui.app.present.entries import Entry
from mltui.app.present.line import Line
from mltui.app.present.messages import declared, first_steps
from mltui.app.present.problems import problems
from mltui.pipeline.rows import Instance, StageRow, State

if TYPE_CHECKING:
    from mltui.app.workbench import Workbench
    from mltui.triage.finding import Finding


class Detailing:
    """Tells the detail pane; keeps what was read of failures."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._evidence: dict[tuple[int, Instance, int, str | None], Evidence] = {}

    def show(self) -> None:
        """Say what is known of what is selected."""
        bench, session, moment = self._bench, self._bench.session, self._bench.moment
        detail, view = bench.detail, session.view
        row, entry = bench.stages.row, bench.stages.entry
        width = max(detail.size.width - 2, 30)
        if session.problems and (view is None or view.run.number == 0):
            detail.say(problems(session.problems, session.text, width, moment, has_runs=False))
        elif bench.showing_problems:
            detail.say(problems(session.problems, session.text, width, moment, has_runs=True))
        elif entry is not None and row is None and entry.mark:
            if not (bench.serving_log and self._serve(entry)):
                detail.say(self._served(entry, width))
        elif view is None or view.run.number == 0:
            detail.say(first_steps(session, row, width, moment))
        elif row is None and entry is not None:
            detail.say(declared(entry, session.facts, width))
        elif row is not None:
            log, log_name = session.log_of(row, bench.attempts_back)
            subject = Subject(session.project, view, session.facts, row, log, log_name)
            evidence = self._evidence_of(row) if row.state is State.FAILED else None
            fixes = [text for text, _ in self._fixes(row)]
            detail.about(subject, evidence, fixes, moment)
        else:
            detail.say(())

    def tick(self) -> None:
        """Time went by: what the page of a service or monitor says of it is another."""
        entry, row = self._bench.stages.entry, self._bench.stages.row
        is_page = entry is not None and row is None and bool(entry.mark)
        if is_page and not (self._bench.serving_log or self._bench.showing_problems):
            self.show()

    def _served(self, entry: Entry, width: int) -> list[Line]:
        """The page of a service or monitor that was deployed."""
        from mltui.app.present.serving import monitor_page, service_page

        facts, moment = self._bench.session.facts, self._bench.moment
        serving = facts.serving
        if serving is None:
            return []
        if entry.kind == "service":
            return service_page(serving.services[entry.title], width, moment, facts.spec)
        return monitor_page(entry.title, serving.monitors[entry.title], facts.spec, width, moment)

    def _serve(self, entry: Entry) -> bool:
        """Show what the replicas of a service say; False: it is none."""
        from mltui.app.panes.log import StageLog
        from mltui.serving.replicas import folder_of

        session = self._bench.session
        serving = session.facts.serving
        if serving is None or entry.kind != "service":
            return False
        logs: list[StageLog] = []
        targets: list[str] = []
        empty = "none of its replicas is there now"
        for one in serving.services[entry.title]:
            name = one.deployment.name
            targets.append(shlex.quote(f"service/{name}"))
            for replica in one.replicas:
                file = folder_of(session.project, name) / str(replica.number) / "log"
                empty = "none of its replicas has said anything yet"
                if file.exists():
                    target = f"service/{replica.label}"
                    logs.append(StageLog(replica.label, file, replica.made_at, False, target))
        title = f"{entry.title}, all replicas"
        self._bench.detail.serve(logs, title, " ".join(targets), empty)
        return True

    def fix(self, number: int) -> None:
        """Do what the failure card has under a number."""
        bench = self._bench
        fixes = self._fixes(bench.stages.row)
        if not 1 <= number <= len(fixes):
            bench.notice(f"there are {len(fixes)} fixes", bad=True)
            return
        does = fixes[number - 1][1]
        if isinstance(does, Action):
            bench.act(does)
        else:
            bench.fixing.do(*does)

    def _fixes(self, row: StageRow | None) -> list[tuple[str, Action | tuple[Finding, int]]]:
        """The finding's own fixes, then what else can be done with a failed stage."""
        bench = self._bench
        if row is None or row.state is not State.FAILED:
            return []
        found = bench.triaging.of_row(row)
        offered: list[tuple[str, Action | tuple[Finding, int]]] = []
        said: set[str] = set()
        if found is not None:
            for number, fix in enumerate(found.fixes, 1):
                if not bench.triaging.is_plain_retry(fix):
                    offered.append((fix.title, (found, number)))
                    said.update(bench.triaging.verbs_of(fix))
        for action, text in registry.fixes(bench.selection):
            if action.id not in said and all(text != title for title, _ in offered):
                offered.append((text, action))
        return offered

    def problems_changed(self) -> None:
        """The file has faults, or has them no more."""
        found = self._bench.session.problems
        if not found:
            if self._bench.showing_problems:
                self._bench.notice("mltui.yaml is right again")
            self._bench.showing_problems = False
        elif self._bench.session.newest is not None:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            self._bench.notice(f"{found[0]}{more}", bad=True)

    def fault_of(self, row: StageRow | None) -> tuple[str, int] | None:
        """Where to edit what failed: a line of its build, or of its code.

        Nothing before the first frame, which no log is read for.
        """
        if row is None or row.state is not State.FAILED or not self._bench.detail.size:
            return None
        return self._evidence_of(row).edit

    def _evidence_of(self, row: StageRow) -> Evidence:
        session = self._bench.session
        spec, project = session.facts.spec, session.project
        key = (row.run, row.instance, row.attempt, row.build)
        found = self._evidence.get(key)
        if found is None or (spec is not None and not found.position):
            from mltui.app.evidence import read_evidence

            build = project.folder / "builds" / row.build / STEPS if row.build else None
            log = session.log_of(row)[0]
            found = self._evidence[key] = read_evidence(log, row, spec, build)
        return found
