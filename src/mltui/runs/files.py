"""How the files of a project are called, for whoever asks before anything else is loaded."""

from __future__ import annotations

SPEC_FILE = "mltui.yaml"
