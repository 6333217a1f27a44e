"""What the app keeps of a person's choices: the theme, the lines they typed, where they looked.

In the state folder, never in the project: looking at a project changes nothing in it. A folder that
can't be written is no reason to fail; then nothing is kept.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltui.live.times import timestamp

if TYPE_CHECKING:
    from mltui.app.config import Config

HISTORY = 200


class Settings:
    """A folder with a few small files."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        base = environ.get("XDG_STATE_HOME") or "~/.local/state"
        self.folder = Path(base).expanduser() / "mltui"
        self._theme = environ.get("MLTUI_THEME") or None
        self.config: Config | None = None
        """The person's file, which comes before what is kept here."""

    def theme(self) -> str | None:
        """The theme to use: the environment's, the config file's, else the one chosen last."""
        said = self.config.values.get("theme") if self.config is not None else None
        return self._theme or said or next(iter(self._lines("theme")), None)

    def keep_theme(self, name: str) -> None:
        """Use this theme from now on."""
        self._write("theme", [name])

    def share(self) -> int:
        """How much of the width the list of stages has, in percent; 0: the usual."""
        found = next(iter(self._lines("share")), "0")
        return int(found) if found.isdecimal() else 0

    def keep_share(self, percent: int) -> None:
        """Use this share from now on."""
        self._write("share", [str(percent)])

    def history(self) -> list[str]:
        """Commands that were typed, oldest first."""
        return self._lines("history")

    def remember(self, text: str) -> None:
        """Keep a typed command."""
        kept = [each for each in self._lines("history") if each != text]
        self._write("history", [*kept, text][-HISTORY:])

    def note_act(self, verb: str, what: str, where: str, said: str) -> None:
        """Write down what was done to something out there, one JSON object a line."""
        at = timestamp(time.time())
        act = {"at": at, "by": person(), "verb": verb, "object": what, "where": where}
        line = json.dumps({**act, "said": said})
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "actions.jsonl").open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    def places(self) -> list[str]:
        """Kubernetes places that were looked at, the last one first."""
        return self._lines("places")

    def keep_place(self, text: str) -> None:
        """This one is looked at now; it gets a number if one is free."""
        kept = [each for each in self.places() if each != text]
        self._write("places", [text, *kept][:HISTORY])
        known = self._lines("favourites")
        if text not in known and not text.endswith("/*"):
            self._write("favourites", [*known, text])

    def forget_place(self, text: str) -> None:
        """This one is not there."""
        for name in ("places", "favourites"):
            self._write(name, [each for each in self._lines(name) if each != text])

    def favourite_places(self) -> list[str]:
        """Places by number, from 1, as long as they are in the file."""
        return self._lines("favourites")

    def look(self, kind: str) -> Any:
        """How the list of a kind was arranged, as it was kept."""
        kept = self._json("looks").get(kind)
        return kept or (self.config.get("lists").get(kind) if self.config is not None else None)

    def keep_look(self, kind: str, look: Mapping[str, Any]) -> None:
        """Arrange the list of a kind so from now on; an empty one: as it is declared."""
        looks = self._json("looks")
        looks.pop(kind, None)
        self._write("looks", [json.dumps({**looks, kind: look} if look else looks, indent=1)])

    def views(self) -> dict[str, Any]:
        """Views by name: those of the config file, and those that were kept."""
        said = self.config.get("views") if self.config is not None else {}
        return {**self._json("views"), **said}

    def keep_view(self, name: str, view: Mapping[str, Any]) -> None:
        """Keep a view under a name."""
        self._write("views", [json.dumps({**self._json("views"), name: view}, indent=1)])

    def _json(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads("\n".join(self._lines(name)) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _lines(self, name: str) -> list[str]:
        try:
            return (self.folder / name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []

    def _write(self, name: str, lines: list[str]) -> None:
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(
                "".join(f"{line}\n" for line in lines), encoding="utf-8"
            )


def person() -> str:
    """Who acts: the account's name."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return str(os.getuid())
