"""The parts of the screen. Each gets what it shows from the workbench and never asks another."""

from __future__ import annotations
