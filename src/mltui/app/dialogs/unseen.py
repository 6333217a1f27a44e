"""Keys that were typed before a question was on the screen are no answer to it.

Held by dialogs whose answer destroys or changes something.
"""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.screen import Screen


class Unseen:
    """Knows since when a dialog is seen."""

    def __init__(self) -> None:
        self._seen_at: float | None = None

    def watch(self, dialog: Screen[bool]) -> None:
        """Call it when the dialog is mounted."""
        dialog.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._seen_at = Message().time

    def swallow(self, event: events.Key) -> None:
        """Let a key pass only if it was typed since."""
        if self._seen_at is None or event.time < self._seen_at:
            event.stop()
            event.prevent_default()
