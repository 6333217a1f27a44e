"""Which keys the screen listens to: those of the registry, each once."""

from __future__ import annotations

from collections.abc import Iterator

from mltui.actions import registry
from mltui.actions.action import Action
from mltui.actions.registry import ACTIONS
from mltui.app.present.tabs import TABS

TAB_NAMES = TABS
TYPING = frozenset(key for action in ACTIONS if action.types for key in action.keys)
"""Keys that open the line to type on."""


_BOUND = frozenset(key for action in ACTIONS for key in action.keys)


def is_given(key: str) -> bool:
    """Whether an action has this key only because the person gave it to it.

    All others are bindings of the screen, which come after those of what has the keys.
    """
    return key not in _BOUND and any(key in action.keys for action in registry.ACTIONS)


def first_of_each_key() -> Iterator[tuple[str, Action]]:
    """Each key with the first action that has it; which one is meant is asked at the press."""
    seen: set[str] = set()
    for action in ACTIONS:
        for key in action.keys:
            if key not in seen:
                seen.add(key)
                yield key, action
