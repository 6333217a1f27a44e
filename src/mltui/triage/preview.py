"""What a fix would do, exactly, before it is done: a diff of `mltui.yaml`, commands.

Shown by the app's question and by `mltui triage`. Pure.
"""

from __future__ import annotations

import shlex

from mltui.errors import Conflict
from mltui.spec.editing import set_value
from mltui.triage.finding import Ask, Command, Docker, Edit, Fix, Kube, Retry, SetValue, Step

_ASKS = {
    "decide": "mltui decide {run} {label} accept|more|fail",
    "resume": "mltui resume",
    "cancel": "mltui cancel {label} --run {run}",
    "run-from": "mltui run --from {label}",
    "run": "mltui run",
}


def preview(fix: Fix, text: str) -> tuple[str, ...]:
    """The lines of the change; `text`: the present `mltui.yaml`.

    Conflict when the file is no longer as it was when the fix was thought of.
    """
    found: list[str] = []
    for step in fix.steps:
        if isinstance(step, SetValue):
            diff = set_value(text, step.path, step.old, step.new).diff
            found += [line for line in diff if not line.startswith(("---", "+++"))]
        else:
            found.append(command(step))
    return tuple(found)


def previewed(fix: Fix, text: str | None) -> tuple[str, ...]:
    """The same for a list of findings: a change that can't be made is said in its place."""
    if text is None and any(isinstance(step, SetValue) for step in fix.steps):
        return ()
    try:
        return preview(fix, text or "")
    except Conflict as error:
        return (str(error),)


def command(step: Step) -> str:
    """A step as it would be typed in a shell."""
    if isinstance(step, Retry):
        return f"mltui retry {shlex.quote(step.label)} --run {step.run}"
    if isinstance(step, Ask):
        label = step.label.partition("~")[0] if step.verb in ("decide", "run-from") else step.label
        return _ASKS[step.verb].format(run=step.run, label=shlex.quote(label))
    if isinstance(step, Docker):
        verb = "rm" if step.verb == "remove" else step.verb
        return f"docker {verb} {shlex.quote(step.name)}"
    if isinstance(step, Kube):
        return shlex.join(_kubectl(step))
    if isinstance(step, Edit):
        return f"$EDITOR +{step.line} {shlex.quote(step.file)}"
    if isinstance(step, Command):
        return shlex.join(step.argv)
    return f"{step.path[-1]}: {step.new}"


def _kubectl(step: Kube) -> list[str]:
    """What the same would be without mltui, which sends the change itself."""
    resource = f"{step.kind.lower()}/{step.name}"
    words = {
        "set-memory": ["set", "resources", resource, "-c", step.container,
                       f"--limits=memory={step.value}"],
        "undo": ["rollout", "undo", resource],
        "delete-now": ["delete", resource, "--force", "--grace-period=0"],
    }.get(step.verb, [step.verb, resource])  # fmt: skip
    context = ["--context", step.context] if step.context else []
    return ["kubectl", *context, *(["-n", step.namespace] if step.namespace else []), *words]
