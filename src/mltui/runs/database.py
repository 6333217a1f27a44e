"""A SQLite file (WAL) of a project: opened, made or brought up to date, written in transactions.

Used by the journal of runs and by the serving journal. Its errors are sentences about the file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mltui.errors import JournalError

_BUSY_S = 10.0


class DiskFull(JournalError):
    """There is no room left for the journal."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is in a file."""

    version: int
    schema: str
    """Statements, each of which ends a line with a semicolon."""
    upgrades: Mapping[int, str] = field(default_factory=dict)
    """From each version to the next."""


def open_database(file: Path, layout: Layout, *, write: bool) -> sqlite3.Connection:
    """Open a file; with `write`, create it where it is missing.

    JournalError when it can't be used, is something else, or is of a newer mltui.
    """
    try:
        db = sqlite3.connect(file, isolation_level=None, timeout=_BUSY_S, check_same_thread=False)
        # A reader of a WAL database still maps the shared index, so it opens read-write.
        db.execute(f"PRAGMA busy_timeout = {_BUSY_S * 1000:.0f}")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and write:
            _create(db, layout)
        elif version > layout.version:
            raise JournalError(
                f"{file} was written by a newer mltui (journal {version}, this one reads "
                f"{layout.version}): upgrade mltui"
            )
        elif version == 0:
            raise JournalError(f"{file} is not a journal of mltui")
        elif version < layout.version:
            _upgrade(db, layout)
        db.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error as error:
        raise explain(error, file) from error
    return db


def _create(db: sqlite3.Connection, layout: Layout) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in layout.schema.split(";\n"):
            if statement.strip():
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {layout.version}")
    db.execute("COMMIT")


def _upgrade(db: sqlite3.Connection, layout: Layout) -> None:
    """What an older mltui wrote becomes what this one reads."""
    db.execute("BEGIN IMMEDIATE")
    for version in range(db.execute("PRAGMA user_version").fetchone()[0], layout.version):
        db.execute(layout.upgrades[version])
    db.execute(f"PRAGMA user_version = {layout.version}")
    db.execute("COMMIT")


@contextmanager
def transaction(db: sqlite3.Connection, file: Path) -> Iterator[sqlite3.Connection]:
    """All or nothing. JournalError when the file can't be written."""
    try:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")
    except sqlite3.Error as error:
        _roll_back(db)
        raise explain(error, file) from error
    except BaseException:
        _roll_back(db)
        raise


def _roll_back(db: sqlite3.Connection) -> None:
    # A full disk may have ended the transaction already; asking again would hide the reason.
    if db.in_transaction:
        db.execute("ROLLBACK")


def explain(error: sqlite3.Error, file: Path) -> JournalError:
    """What SQLite complains of, as a sentence about the file."""
    text = str(error)
    if "full" in text or ("I/O" in text and _no_room(file)):
        return DiskFull(f"the disk of {file} is full: free some space (`mltui gc`) and retry")
    if "readonly" in text or "unable to open" in text:
        return JournalError(f"{file} can't be written: the folder is read-only or not yours")
    if "malformed" in text or "not a database" in text:
        return JournalError(f"{file} is damaged ({text}): move it away, or restore a copy")
    if "locked" in text:
        return JournalError(f"{file} has been locked by another process for 10 s: try again")
    return JournalError(f"{file}: {text}")


def _no_room(file: Path) -> bool:
    try:
        free = os.statvfs(file.parent)
    except OSError:
        return False
    return free.f_bavail * free.f_frsize < 1 << 16
