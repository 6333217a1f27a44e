"""The process engine: stages as plain processes on this machine, in virtual environments."""

from __future__ import annotations

from mltui.engines.process.engine import ProcessEngine

__all__ = ["ProcessEngine"]
