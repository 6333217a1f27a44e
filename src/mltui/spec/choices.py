"""The closed lists of words in a project file.

Apart from `model` so that whoever only shows a run (`mltui ls`, the first paint) need not load the
types of a whole project.
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where in the lifecycle a stage belongs; the Pipeline screen groups by it."""

    DATA = "data"
    TRAINING = "training"
    INFERENCE = "inference"


class FailureClass(StrEnum):
    """Why an attempt failed; the retry policy chooses by it."""

    PROGRAM = "program"
    CONTRACT = "contract"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    BUILD = "build"
    CONFIG = "config"
    INFRASTRUCTURE = "infrastructure"
    CANCELLED = "cancelled"


class Otherwise(StrEnum):
    """What happens when a gate's loop is exhausted."""

    FAIL = "fail"
    ACCEPT_BEST = "accept-best"
    PAUSE = "pause"
