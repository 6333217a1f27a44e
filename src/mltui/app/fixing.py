"""Fixes carried out: previewed, asked for, then done by the actions that a key would have done.

Also opens a piece of evidence where it came from. Called by the workbench.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mltui.actions import registry
from mltui.actions.context import Question
from mltui.errors import Conflict, Forbidden, MltuiError
from mltui.pipeline.rows import StageRow, State
from mltui.runs.locate import read_label
from mltui.runs.project import SPEC_FILE, Project
from mltui.spec.editing import set_value
from mltui.triage.finding import (
    Ask,
    Command,
    Docker,
    Edit,
    Evidence,
    Finding,
    Fix,
    Kube,
    Opens,
    Retry,
    SetValue,
    Step,
)
from mltui.triage.preview import preview

if TYPE_CHECKING:
    from mltui.app.lists import Lists
    from mltui.app.workbench import Workbench
    from mltui.live.kube.verbs.fix import Plan

VERBS = {
    "decide": "gate.decide",
    "resume": "run.resume",
    "cancel": "run.cancel",
    "run-from": "run.from",
    "run": "run.start",
}
_DIALOGS = frozenset(("decide", "cancel", "run-from", "run"))
"""Verbs that ask by themselves."""


LISTED = {
    "claim": "persistentvolumeclaims",
    "scaler": "horizontalpodautoscalers",
    "budget": "poddisruptionbudgets",
    "certificate": "secrets",
    "ingress": "ingresses",
}
"""Kinds of Kubernetes whose lists have another name."""
_KEPT = ("stage", "log", "run")
"""What a bundle can show."""
KUBE = frozenset(
    ("pod", "node", "service", "claim", "scaler", "deployment", "job", "statefulset",
     "daemonset", "replicaset", "budget", "certificate", "ingress")
)  # fmt: skip


def change_file(project: Project, step: SetValue) -> None:
    """Set one value of `mltui.yaml`. Conflict when it is not as it was; OSError, SpecError."""
    file = project.root / SPEC_FILE
    text = file.read_bytes().decode("utf-8")  # as it is, with its own line ends
    edited = set_value(text, step.path, step.old, step.new)
    target = file.resolve()  # a link stays a link
    mode = target.stat().st_mode & 0o7777
    new = target.with_name(f".{target.name}.{os.getpid()}")
    new.write_bytes(edited.after.encode("utf-8"))
    new.chmod(mode)
    new.replace(target)


class Fixing:
    """Does what a finding offers."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def do(self, finding: Finding, number: int) -> None:
        """A fix by its number, from 1; the person sees the change first."""
        if self._bench.workbench_app.replay is not None:
            self._bench.notice("this is a bundle: what it tells of is not here to fix", bad=True)
            return
        if not 1 <= number <= len(finding.fixes):
            count = len(finding.fixes)
            said = "1 fix" if count == 1 else f"{count} fixes"
            self._bench.notice(f"there {'is' if count == 1 else 'are'} {said} here", bad=True)
            return
        fix = finding.fixes[number - 1]
        self._bench.run_worker(self._do(finding, fix), group="act", exit_on_error=True)

    async def _do(self, finding: Finding, fix: Fix) -> None:
        context = self._bench.context
        try:
            plans: Mapping[Step, Plan] = {}
            if not self._asks_itself(fix):
                plans = await self._planned(fix)
                if not await self._agreed(finding, fix, plans):
                    return
                self._check(finding, fix)
            for step in fix.steps:
                if (plan := plans.get(step)) is not None:
                    context.notice(await plan.act())
                else:
                    await self._step(step)
            self._note(finding, fix, "done")
        except MltuiError as error:
            self._note(finding, fix, str(error))
            context.notice(str(error), bad=True)
        except OSError as error:
            context.notice(f"{error.filename or SPEC_FILE}: {error.strerror}", bad=True)
        self._bench.triaging.refresh()

    def _note(self, finding: Finding, fix: Fix, said: str) -> None:
        settings = self._bench.workbench_app.settings
        where = finding.cluster or self._bench.session.name
        settings.note_act(f"fix: {fix.title}", finding.title, where, said)

    def _check(self, finding: Finding, fix: Fix) -> None:
        """Conflict when what was found has changed while the person looked at the change."""
        now = self._bench.triaging.known(finding.id)
        if now is None:
            raise Conflict(f"{finding.title}: that is not so any more; nothing was done")
        if all(isinstance(step, Kube) for step in fix.steps):
            return  # its server is asked whether it is the same
        if fix not in now.fixes or now.key != finding.key:
            raise Conflict(f"it has changed since: {now.title} ({now.cause}); nothing was done")

    @staticmethod
    def _asks_itself(fix: Fix) -> bool:
        (first, *rest) = fix.steps
        return not rest and (
            isinstance(first, Edit)
            or (isinstance(first, Ask) and first.verb in _DIALOGS)
            or (isinstance(first, Kube) and first.verb == "edit")
        )

    async def _planned(self, fix: Fix) -> dict[Step, Plan]:
        """What its steps would do to clusters' objects, as they are now. Conflict, Unreachable."""
        steps = [step for step in fix.steps if isinstance(step, Kube)]
        if not steps:
            return {}
        from mltui.live.kube.verbs.fix import plan

        lists = await self._allowed(steps)
        return {
            step: await lists.on_cluster(step.context, partial(plan, step=step)) for step in steps
        }

    async def _allowed(self, steps: Sequence[Kube]) -> Lists:
        """The lists, whose clusters are asked. Forbidden where nothing may be changed."""
        from mltui.live.kube.place import Place

        lists = await self._bench.listing.lists()
        await lists.kube.feed()
        for step in steps:
            if lists.kube.forbids((Place(step.context, step.namespace),)):
                raise Forbidden(f"{step.context} is read-only: nothing was done to {step.name}")
        return lists

    async def _agreed(self, finding: Finding, fix: Fix, plans: Mapping[Step, Plan]) -> bool:
        project = self._bench.session.project
        text = await asyncio.to_thread(project.read_text) if _edits(fix) else ""
        title = fix.title[0].upper() + fix.title[1:]
        if plans:
            lines = [line for plan in plans.values() for line in plan.lines]
            question = Question(f"{title}?  {finding.title}", yes="Do it")
            return await self._bench.context.show_difference(question, lines)
        question = Question(
            f"{title}?  {finding.title}", yes="Do it", detail=preview(fix, text), is_diff=True
        )
        return await self._bench.context.confirm(question)

    # --- steps ----------------------------------------------------------------------------------

    async def _step(self, step: Step) -> None:
        bench = self._bench
        if isinstance(step, SetValue):
            await asyncio.to_thread(change_file, bench.session.project, step)
            await bench.session.background.read_file()
            bench.notice(f"{SPEC_FILE}:{step.line} says {step.path[-1]}: {step.new} now")
        elif isinstance(step, Retry):
            row = self.show_stage(step.run, step.label)
            if row is None or row.state is not State.FAILED:
                state = row.state.value if row is not None else "gone"
                raise Conflict(
                    f"{step.label} of run {step.run} is {state} now: nothing was retried"
                )
            await registry.action("stage.retry").run(bench.context, "")
        elif isinstance(step, Ask):
            await self._ask(step)
        elif isinstance(step, Docker):
            await self._docker(step)
        elif isinstance(step, Edit):
            await self._edit(step.file, step.line)
        elif isinstance(step, Kube):
            await self._edit_object(step)
        elif isinstance(step, Command):
            await self._command(step)

    async def _edit_object(self, step: Kube) -> None:
        """Its YAML in the editor; what it comes to is shown before it is sent."""
        from dataclasses import replace

        from mltui.actions.kube_edit import edit_object
        from mltui.live.kube.verbs.fix import found, ref_of_step

        lists = await self._allowed([step])
        raw = await lists.on_cluster(step.context, partial(found, step=step))
        ref = replace(ref_of_step(step), uid=str(raw["metadata"].get("uid")))
        await edit_object(self._bench.context, ref)

    async def _ask(self, step: Ask) -> None:
        bench = self._bench
        if step.label:
            self.show_stage(step.run, step.label)
        elif step.run:
            self.show_run(step.run)
        action = registry.action(VERBS[step.verb])
        refusal = registry.refusal(action, bench.selection)
        if refusal is not None:
            bench.notice(refusal, bad=True)
            return
        await action.run(bench.context, "")

    async def _docker(self, step: Docker) -> None:
        from mltui.live.verbs import Ref, verbs

        verb = verbs()[step.verb]
        ref = Ref("containers", "container", step.id, step.name)
        lists = await self._bench.listing.lists()
        self._bench.notice(f"container {step.name}: {verb.doing}")
        self._bench.notice(await lists.on_host(lambda daemon: verb.act(daemon, ref)))

    async def _edit(self, file: str, line: int) -> None:
        root = self._bench.session.project.root
        found = (root / file).resolve()
        if not found.is_file() or not found.is_relative_to(root.resolve()):
            raise Conflict(f"{file} is not in this project")
        await self._bench.context.edit(str(found.relative_to(root.resolve())), line)

    async def _command(self, step: Command) -> None:
        """The terminal to the program; its output stays until a key is pressed."""
        wait = 'printf "\n(exit code %s) Enter goes back to mltui " "$code"; read -r _'
        script = f'"$@"; code=$?; {wait}; exit $code'
        argv = ("sh", "-c", script, "sh", *step.argv)
        root = self._bench.session.project.root
        code = await self._bench.context.outside(argv, cwd=Path(root), env=dict(os.environ))
        if code:
            raise Conflict(f"{step.argv[0]} ended with exit code {code}")

    # --- showing --------------------------------------------------------------------------------

    def show_run(self, run: int) -> None:
        """The pipeline of a run."""
        self._bench.triaging.leave()
        self._bench.listing.leave()
        view = self._bench.session.view
        if view is None or view.run.number != run:
            self._bench.context.open_run(run)

    def show_stage(self, run: int, label: str) -> StageRow | None:
        """The cursor on a stage of a run; its row as it is now."""
        bench = self._bench
        self.show_run(run)
        bench.session.refresh()
        view = bench.session.view
        row = view.rows.get(read_label(label)) if view is not None else None
        if row is not None:
            bench.stages.select(row, bench.moment)
            bench.show_detail()
            bench.frame.show()
        return row

    def open(self, evidence: Evidence) -> None:
        """Show where a piece of evidence came from."""
        opens = evidence.opens
        if opens is None:
            return
        self._bench.run_worker(self._open(evidence), group="list", exit_on_error=True)

    async def _open(self, evidence: Evidence) -> None:
        opens = evidence.opens
        assert opens is not None
        bench = self._bench
        try:
            if bench.workbench_app.replay is not None and opens.kind not in _KEPT:
                if await self._show_kept(opens):
                    return
                bench.notice(f"the bundle holds no more of it than this: {evidence.text}")
            elif opens.kind == "file":
                await self._edit(opens.key, opens.line)
            elif opens.kind in ("stage", "log"):
                _, run, label = opens.key.split(":", 2)
                if self.show_stage(int(run), label) is None:
                    bench.notice(f"{label} of run {run} is gone", bad=True)
                elif opens.kind == "log":
                    bench.detail.show_tab("log")
                    bench.detail.give_focus()
            elif opens.kind == "run":
                self.show_run(int(opens.key.rpartition(":")[2]))
            elif opens.kind in KUBE:
                await self._open_kube(opens.key)
            elif opens.kind in ("container", "build", "host"):
                await self._open_list(opens.kind, opens.key)
        except MltuiError as error:
            bench.notice(str(error), bad=True)

    async def _show_kept(self, opens: Opens) -> bool:
        """Show what the bundle has of an object; False: nothing."""
        from mltui.app.dialogs.text import TextDialog
        from mltui.live.incident import object_file
        from mltui.logs.sanitize import plain

        key = opens.key if opens.kind in KUBE else f"container:{opens.key[:12]}"
        file = self._bench.session.project.folder / object_file(key)
        if not file.is_file():
            return False
        texts = []
        for each in sorted(file.parent.glob(f"{file.name}*")):
            data = await asyncio.to_thread(each.read_bytes)
            if each != file:
                texts.append(f"\n--- {each.name.removeprefix(file.name).strip('.')} ---")
            texts.append("\n".join(plain(line) for line in data.split(b"\n")))
        title = key.partition("@")[0].replace(":", " ")
        await self._bench.app.push_screen(TextDialog(title, "\n".join(texts)))
        return True

    async def _open_kube(self, key: str) -> None:
        """The object in its list: `pod:ns/name@context`."""
        bench = self._bench
        place, _, context = key.partition("@")
        kind, _, rest = place.partition(":")
        namespace, _, name = rest.rpartition("/")
        lists = await bench.listing.lists()
        await lists.kube.feed()
        context = context or lists.kube.where[0].context
        places = f"{context}/{namespace or '*'}"
        bench.triaging.leave()
        await bench.listing.opened(LISTED.get(kind, f"{kind}s"), places)
        table = lists.pane.table
        for _ in range(50):
            rows = lists.pane.grid.model.rows
            found = [key for key, row in rows.items() if getattr(row, "name", "") == name]
            if found:
                lists.pane.grid.cursor_key = found[0]
                return
            if table is None or table.is_loaded:
                break
            await asyncio.sleep(0.1)
        bench.notice(f"{kind} {name} is gone", bad=True)

    async def _open_list(self, kind: str, key: str) -> None:
        bench = self._bench
        bench.triaging.leave()
        await bench.listing.opened("builds" if kind == "build" else "containers")
        listed = bench.listed
        if listed is None or kind == "host":
            return
        if key in listed.pane.grid.model.rows:
            listed.pane.grid.cursor_key = key
            listed.view("describe")
        else:
            bench.notice(f"the {kind} {key[:12]} is gone", bad=True)


def _edits(fix: Fix) -> bool:
    return any(isinstance(step, SetValue) for step in fix.steps)
