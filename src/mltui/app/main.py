"""Where the screen begins: `mltui` without a command comes here.

Sets what Textual reads when it is imported, and reads the journal before the first paint, so that
the first thing on the screen is the run.
"""

from __future__ import annotations

import gc
import os
import select
import sys
import threading
from pathlib import Path

from mltui.errors import MltuiError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mltui.app.firstlook import FirstLook
    from mltui.runs.bundle import Replay

HOSTS = "hosts"
"""Begin with the pods of the current context, else with the containers here."""
_HANG_UP = 129
"""What a shell says of a program that a hang-up ended: 128 + SIGHUP."""


def run_app(
    project_root: Path, run: int | None = None, *, opens: str = "", replay: Replay | None = None
) -> int:
    """Open the workbench on a project until the person leaves; the exit code.

    run: look at this run instead of following the newest. opens: begin with this list. replay: an
    incident as it was, in place of what is. UsageError where no screen can be shown.
    """
    why = _why_no_screen()
    if why is not None:
        raise UsageError(why)
    _textual_defaults()
    from mltui.app import config

    said = config.read()
    config.into_environ(said, os.environ)
    if opens == HOSTS:
        opens = said.get("opens")
    gc.disable()  # nothing made before the first paint is garbage; the app turns it on then
    from contextlib import ExitStack

    with ExitStack() as stack:
        look: FirstLook | None = None
        if opens == HOSTS and not _knows_clusters():
            opens = "containers"
        if opens and replay is None:
            from mltui.app.firstlook import FirstLook

            first = "pods" if opens == HOSTS else opens
            look = stack.enter_context(FirstLook(project_root, first, said.get("contexts")))
        from mltui.app.app import MltuiApp
        from mltui.app.session import Session
        from mltui.runs.project import Project

        if replay is None:
            session = Session(Project(project_root), run=run)
        else:
            at = replay.at
            session = Session(Project(project_root), run=run, now=lambda: at)
        stack.callback(session.close)
        session.open()
        app = MltuiApp(session)
        app.replay = replay
        app.follows_hosts = replay is None
        app.opens = opens
        app.seen = look.seen if look is not None else None
        _leave_with_terminal()
        if look is not None:
            look.hand_over()
        code = app.run()
    return app.return_code or code or 0


def _knows_clusters() -> bool:
    """There may be a Kubernetes to look at."""
    known = ("KUBECONFIG", "KUBERNETES_SERVICE_HOST")
    return any(name in os.environ for name in known) or (Path.home() / ".kube/config").exists()


def _leave_with_terminal() -> None:
    """End when the terminal is gone, also where no hang-up signal says so (setsid, nohup).

    Textual would read the end of its input again and again, for ever. Runs are not ours to end,
    and a terminal that is gone needs no restoring.
    """

    def wait() -> None:
        poll = select.poll()
        poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, 0)  # hang-ups only
        poll.poll()
        os._exit(_HANG_UP)

    threading.Thread(target=wait, name="mltui-terminal", daemon=True).start()


def main(argv: list[str] | None = None) -> int:
    """`python -m mltui.app [FOLDER]`: only the screen, for tests and for trying things out."""
    from mltui.runs.project import Project

    args = sys.argv[1:] if argv is None else argv
    start = Path(args[0]) if args else Path.cwd()
    try:
        return run_app(Project.find(start).root)
    except MltuiError as error:
        print(f"mltui: {error}", file=sys.stderr)
        return error.exit_code


def _why_no_screen() -> str | None:
    """Why this terminal can't show a screen; None if it can."""
    instead = "`mltui ls stages` and `mltui attach` say the same in lines"
    if os.environ.get("TERM") == "dumb":
        return f"this terminal can't show a screen (TERM=dumb): {instead}"
    if not (sys.stdin.isatty() and (sys.stdout.isatty() or sys.stderr.isatty())):
        return f"there is no terminal to show a screen on: {instead}"
    return None


def _textual_defaults() -> None:
    """No animation, and fewer frames where a slow line carries them.

    A frame is made only where something changed, and what changes by itself is gathered by the
    panes; so frames a second are how long a key waits for its answer.
    """
    remote = "SSH_CONNECTION" in os.environ
    os.environ.setdefault("TEXTUAL_FPS", "30" if remote else "60")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    os.environ.setdefault("ESCDELAY", "50")
