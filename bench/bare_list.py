"""The floor that benches compare with: a Textual app with one stock list and nothing else."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import OptionList


class BareList(App[None]):
    """A list of `argv[1]` lines."""

    def compose(self) -> ComposeResult:
        count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
        yield OptionList(*[f"evaluate {n}  succeeded  1.5s" for n in range(count)])


if __name__ == "__main__":
    BareList().run()
