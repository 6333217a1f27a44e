"""Modal questions: only where a person has to decide something."""

from __future__ import annotations
