"""One file with all that is known of an incident: findings, facts, logs, the journal, `mltui.yaml`.

Written by `mltui bundle`, read by `mltui open` on another machine. A bundle comes from somebody
else, so nothing in it is believed: only names that a bundle has are unpacked, sizes are counted as
they come, the journal is built anew from plain values, and what does not read is refused.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltui.errors import MltuiError, UsageError
from mltui.runs.findings import history_from, history_to
from mltui.runs.locate import place_of_row
from mltui.runs.project import SPEC_FILE, Project
from mltui.triage.facts import Facts
from mltui.triage.history import History
from mltui.triage.recording import BadRecord, read_facts, write_facts

FORMAT, VERSION = "mltui-bundle", 1
LOG_BYTES = 256 << 10
"""So much of the end of each log."""
ALL_LOG_BYTES = 32 << 20
MOST_BYTES, MOST_FILES, MOST_ROWS = 128 << 20, 5_000, 200_000
"""What is larger is refused when it is read."""
RUNS = 20
TABLES = ("runs", "events", "stages", "results", "builds", "requests")
_BY_RUN = ("events", "stages", "requests")
_PARTS = ("bundle.json", "facts.json", "history.json", "journal.json", SPEC_FILE)
_LOG = re.compile(r"(?:runs|builds)(?:/[A-Za-z0-9_@+,=~:\[\]-][A-Za-z0-9_@+,=~:\[\].-]*){2,6}")
_THING = re.compile(r"objects(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*){1,4}")
"""An object that a finding is about, or its log: a text to be read."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
Text = Callable[[str], str]


class BadBundle(UsageError):
    """The file is no bundle, or one that does harm; says which and why."""


@dataclass(frozen=True, slots=True)
class Replay:
    """An incident as it was."""

    at: float
    facts: Facts
    history: History
    cut: tuple[str, ...] = ()
    """What was left out for its size."""


# --- writing --------------------------------------------------------------------------------------


def write_bundle(
    file: Path,
    facts: Facts,
    history: History,
    project: Project | None,
    *,
    mask: Text,
    mask_log: Text,
    more: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Write it, readable by its owner only; what had to be cut. OSError.

    `mask` makes text safe to hand over, `mask_log` a whole log; `more`: other texts, by name.
    """
    cut: list[str] = []
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr("facts.json", _masked_json(write_facts(facts), mask))
            out.writestr("history.json", _masked_json(json.dumps(history_to(history)), mask))
            for name, text in (more or {}).items():
                out.writestr(name, text)
            if project is not None:
                if project.file.is_file():
                    out.writestr(SPEC_FILE, _spec(project, mask))
                if (project.folder / "journal.db").exists():
                    _write_journal(out, project, mask, mask_log, cut)
            about = {FORMAT: VERSION, "at": facts.at, "project": facts.project, "cut": cut}
            out.writestr("bundle.json", json.dumps(about))
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return tuple(cut)


def _spec(project: Project, mask: Text) -> str:
    text = project.file.read_bytes().decode("utf-8", "replace")
    return "".join(map(mask, text.splitlines(keepends=True)))


def _write_journal(
    out: zipfile.ZipFile, project: Project, mask: Text, mask_log: Text, cut: list[str]
) -> None:  # fmt: skip
    with closing(project.journal()) as journal:
        newest = {run.number for run in journal.runs(limit=RUNS)}
        numbers = sorted(newest | {run.number for run in journal.unfinished()})
        logs = [
            place.log
            for number in reversed(numbers)
            for row in journal.stages(number)[1]
            if (place := place_of_row(project, row)) is not None
        ]
        builds = [project.folder / "builds" / each.id for each in journal.builds(limit=RUNS)]
    logs += [folder / name for folder in builds for name in ("log", "steps.jsonl")]
    with closing(sqlite3.connect(project.folder / "journal.db", timeout=10.0)) as db:
        db.execute("BEGIN")  # one moment of it
        tables = {name: _rows(db, name, numbers, mask) for name in TABLES}
    out.writestr("journal.json", json.dumps(tables, ensure_ascii=False))
    left = ALL_LOG_BYTES
    for log in dict.fromkeys(logs):
        name = str(log.relative_to(project.folder))
        if not log.is_file() or not _LOG.fullmatch(name):
            continue
        data, is_cut = _end_of(log, min(LOG_BYTES, left))
        if is_cut:
            cut.append(name)
        left -= len(data)
        text = data.decode("utf-8", "replace")
        is_json = name.endswith(".jsonl")
        out.writestr(name, "\n".join(map(mask, text.split("\n"))) if is_json else mask_log(text))


def _rows(db: sqlite3.Connection, table: str, runs: list[int], mask: Text) -> dict[str, Any]:
    where, values = "", list[int]()
    if table == "runs" or table in _BY_RUN:
        column = "number" if table == "runs" else "run"
        where, values = f" WHERE {column} IN ({','.join('?' * len(runs))})", runs
    found = db.execute(f"SELECT * FROM {table}{where}", values)
    columns = [each[0] for each in found.description]
    rows = [[_masked(value, mask) for value in row] for row in found.fetchmany(MOST_ROWS)]
    return {"columns": columns, "rows": rows}


def _end_of(log: Path, most: int) -> tuple[bytes, bool]:
    """The end of a log, from the beginning of a line."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - most, 0))
        data = file.read(most)
    if size <= most:
        return data, False
    return data.partition(b"\n")[2], True


def _masked(value: Any, mask: Text) -> Any:
    """A value of a column: JSON within is looked into, so that it stays JSON."""
    if not isinstance(value, str):
        return value if isinstance(value, int | float) else None
    if value[:1] in ("{", "["):
        try:
            return _masked_json(value, mask)
        except (ValueError, RecursionError):
            pass
    return mask(value)


def _masked_json(text: str, mask: Text) -> str:
    return json.dumps(_walked(json.loads(text), mask), ensure_ascii=False)


def _walked(value: Any, change: Text) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_walked(each, change) for each in value]
    if isinstance(value, dict):
        return {change(str(name)): _walked(each, change) for name, each in value.items()}
    return value


# --- reading --------------------------------------------------------------------------------------


def read_bundle(file: Path, into: Path) -> Replay:
    """Unpack it as a project in an empty folder. BadBundle, also for what can't be read."""
    try:
        with zipfile.ZipFile(file) as packed:
            return _read(packed, into)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise BadBundle(f"{file} is no bundle of mltui: {error}") from error
    except BadBundle as error:
        raise BadBundle(f"{file}: {error}") from error
    except OSError as error:
        raise BadBundle(f"{file} can't be read: {error.strerror or error}") from error
    except (MltuiError, sqlite3.Error, ValueError, TypeError, KeyError, AttributeError, IndexError,
            RecursionError, RuntimeError, OverflowError) as error:  # fmt: skip
        raise BadBundle(f"{file} is damaged: {error}") from error


def _read(packed: zipfile.ZipFile, into: Path) -> Replay:
    parts = dict(_contents(packed, into))
    try:
        about = json.loads(parts["bundle.json"])
        facts_text = parts["facts.json"].decode("utf-8")
    except KeyError as error:
        raise BadBundle(f"it lacks {error.args[0]}, so it is no bundle of mltui") from error
    if not isinstance(about, dict) or about.get(FORMAT) != VERSION:
        raise BadBundle(f"it is no bundle that this mltui reads: it lacks `{FORMAT}: {VERSION}`")
    try:
        facts = read_facts(json.dumps(_walked(json.loads(facts_text), _plain)))
    except BadRecord as error:
        raise BadBundle(f"its facts are damaged: {error}") from error
    history = history_from(_walked(json.loads(parts.get("history.json", b"{}")), _plain))
    if SPEC_FILE in parts:
        (into / SPEC_FILE).write_bytes(parts[SPEC_FILE])
    project = Project(into)
    if "journal.json" in parts:
        project.folder.mkdir(exist_ok=True)
        _build_journal(project, json.loads(parts["journal.json"]))
    cut = tuple(_plain(str(each)) for each in about.get("cut") or ())
    return Replay(facts.at, facts, history, cut)


def _contents(packed: zipfile.ZipFile, into: Path) -> Iterator[tuple[str, bytes]]:
    """The parts; logs are written where they belong."""
    members = packed.infolist()
    if len(members) > MOST_FILES:
        raise BadBundle(f"it holds {len(members)} files, more than a bundle has")
    seen: set[str] = set()
    left = MOST_BYTES
    for member in members:
        name = member.filename
        if name in seen:
            raise BadBundle(f"it holds {_plain(name)!r} twice")
        seen.add(name)
        is_log = bool(_LOG.fullmatch(name) or _THING.fullmatch(name))
        if name not in _PARTS and not is_log:
            if "/" in name or ".." in name or "\\" in name or not name.isprintable():
                raise BadBundle(f"it holds {_plain(name)[:80]!r}, which no bundle has")
            continue  # for people
        if member.flag_bits & 1:
            raise BadBundle(f"its {name} is encrypted")
        data = _bounded(packed, member, left)
        left -= len(data)
        if not is_log:
            yield name, data
            continue
        target = into / ".mltui" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _bounded(packed: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Counted as it comes: what the file says of its own size may be a lie."""
    found = bytearray()
    with packed.open(member) as stream:
        while piece := stream.read(1 << 16):
            found += piece
            if len(found) > most:
                raise BadBundle(f"it is larger than {MOST_BYTES >> 20} MiB when it is unpacked")
    return bytes(found)


def _build_journal(project: Project, tables: Any) -> None:
    """A new journal with these values; columns that it has not are passed over."""
    project.journal(write=True).close()
    file = project.folder / "journal.db"
    with closing(sqlite3.connect(file)) as db, db:
        for table in TABLES:
            given = tables.get(table)
            if given is None:
                continue
            known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            names = [str(each) for each in given["columns"]]
            if not set(names) <= known:
                raise BadBundle(f"its journal has columns that no {table} have")
            rows = given["rows"]
            if len(rows) > MOST_ROWS:
                raise BadBundle(f"its journal holds {len(rows)} {table}, more than a bundle has")
            columns = ", ".join(f'"{name}"' for name in names)
            marks = ", ".join("?" * len(names))
            db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", map(_values, rows))
    with closing(project.journal()) as journal:  # whether all of it reads
        for run in journal.runs():
            journal.stages(run.number)
            journal.events(run.number)
        journal.builds()


def _values(row: Iterable[Any]) -> list[Any]:
    return [_masked(value, _plain) for value in row]


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return _CONTROL.sub("", text)
