"""What an attempt left when it ended: is it what the stage promised, what did it measure.

Called by the runner when an engine says that an attempt is over. What is wrong here is the stage's
breach of its contract (class `contract`), said so that its author knows the line to change; a
store without room is the machine's fault (class `infrastructure`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mltui.engines.protocol import Exit, Stopped
from mltui.errors import OutputError, StoreError
from mltui.pipeline.fanout import read_items
from mltui.pipeline.gates import check_metrics
from mltui.pipeline.metrics import MAX_CHARS, Metrics, read_metrics
from mltui.pipeline.rows import Artifact, Failure
from mltui.runs.reserve import is_full
from mltui.runs.store import Store
from mltui.spec.model import FailureClass, Output, Stage
from mltui.text.format import format_duration

_MAX_LIST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Collected:
    """What is kept of an attempt. Outputs are complete when `failure` is None."""

    failure: Failure | None
    outputs: Mapping[str, Artifact] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def failure_of(stage: Stage, exit_: Exit, ending: FailureClass | None) -> Failure | None:
    """Why an attempt that ended so did not succeed; None when it may have.

    `ending`: why the runner itself ended it (timeout, cancelled), None when it did not.
    """
    if ending is FailureClass.CANCELLED:
        return Failure(FailureClass.CANCELLED, "cancelled")
    if exit_.how is Stopped.EXITED and exit_.code == 0 and ending is None:
        return None
    if ending is FailureClass.TIMEOUT or exit_.how is Stopped.DEADLINE:
        limit = format_duration(stage.timeout_s)
        more = f": {exit_.message}" if exit_.how is Stopped.SIGNALLED and exit_.message else ""
        return Failure(FailureClass.TIMEOUT, f"it ran longer than its timeout of {limit}{more}")
    if exit_.how is Stopped.REFUSED:
        return Failure(FailureClass.CONFIG, exit_.message)
    if exit_.how is Stopped.OUT_OF_MEMORY:
        message = exit_.message or "it used more memory than its limit and was ended"
        return Failure(FailureClass.MEMORY, message)
    if exit_.how is Stopped.LOST:
        message = exit_.message or "it vanished without an exit code"
        return Failure(FailureClass.INFRASTRUCTURE, message)
    if exit_.how is Stopped.SIGNALLED:
        number = (exit_.code or 128) - 128
        return Failure(FailureClass.PROGRAM, f"ended by {_signal(number)}")
    if exit_.message:  # the command itself never ran: its image lacks the program, or can't run it
        return Failure(FailureClass.CONFIG, exit_.message)
    return Failure(FailureClass.PROGRAM, f"exit code {exit_.code}")


def collect(stage: Stage, store: Store, work: Path, metrics_file: Path) -> Collected:
    """Check and keep what a successful command left. Blocks for as long as hashing takes."""
    metrics = read_metrics_file(metrics_file)
    outputs: dict[str, Artifact] = {}
    failure: Failure | None = None
    for name, output in stage.outputs.items():
        failure = check_output(work, name, output)
        if failure is not None:
            break
        try:
            path = output.path.rstrip("/")
            # Directly in the working folder there is no link to be misled by.
            inside = work if "/" in path else None
            whole = f"{work}/{path}"
            outputs[name] = store.take(whole, is_folder=output.is_folder, inside=inside)
        except OutputError as error:
            failure = Failure(FailureClass.CONTRACT, f"output `{name}`: {error}")
            break
        except StoreError as error:
            failure = store_failure(error, f"output `{name}` could not be kept")
            break
    if failure is None and stage.gate is not None:
        failure = check_metrics(stage.gate, metrics)
    return Collected(failure, outputs if failure is None else {}, metrics.values)


def check_output(work: Path, name: str, output: Output) -> Failure | None:
    """The breach of contract that a look at an output's path shows, with what to write instead."""
    path = f"{work}/{output.path.rstrip('/')}"  # a Path costs more than looking at the file
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        what = "folder" if output.is_folder else "file"
        return _breach(f"output `{name}` is missing: the command left no {what} at {output.path}")
    except OSError as error:
        return _breach(f"output `{name}` at {output.path} can't be read: {error.strerror}")
    if stat.S_ISLNK(mode):
        return _breach(
            f"output `{name}` at {output.path} is a symbolic link to {os.readlink(path)}: "  # noqa: PTH115
            "write the file itself"
        )
    if output.is_folder and not stat.S_ISDIR(mode):
        return _breach(
            f"output `{name}` at {output.path} is a file, but a folder is declared: "
            f"declare `{output.path.rstrip('/')}`"
        )
    if not output.is_folder and stat.S_ISDIR(mode):
        return _breach(
            f"output `{name}` at {output.path} is a folder, but a file is declared: "
            f"declare `{output.path}/`"
        )
    if not output.is_folder and not stat.S_ISREG(mode):
        return _breach(f"output `{name}` at {output.path} is neither a file nor a folder")
    return None


def read_metrics_file(file: Path) -> Metrics:
    """What was measured; empty when nothing was written. A huge file is read from its end."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Metrics()
    with os.fdopen(descriptor, "rb") as stream:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            return Metrics()
        # One byte more than is read, so that the reader knows that there was more.
        stream.seek(max(0, info.st_size - MAX_CHARS - 1))
        return read_metrics(stream.read())


def read_list(store: Store, source: Artifact) -> tuple[str, ...] | Failure:
    """The items of a `for_each` from an output that is to be a JSON array; else why it is none."""
    if source.is_folder or source.size_bytes > _MAX_LIST_BYTES:
        what = "a folder" if source.is_folder else f"{source.size_bytes:,} bytes long"
        return Failure(FailureClass.CONFIG, f"the list of items is {what}, not a JSON array")
    try:
        return read_items(store.read_bytes(source.digest))
    except StoreError as error:
        return store_failure(error, "the list of items could not be read")


def store_failure(error: Exception, what: str) -> Failure:
    """A failure of the machine's disk, as an attempt's. `what` could not be done."""
    if is_full(error):
        hint = "the disk is full: free some space (`mltui gc`), then retry"
        return Failure(FailureClass.INFRASTRUCTURE, f"{what}: {hint}")
    return Failure(FailureClass.INFRASTRUCTURE, f"{what}: {error}")


def _breach(message: str) -> Failure:
    return Failure(FailureClass.CONTRACT, message)


def _signal(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
