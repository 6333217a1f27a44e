"""Triage: facts in, findings out. What is wrong, why, the evidence, and what fixes it.

Pure: a recorded incident (`recording`) goes through the same code as a live one. Facts are gathered
by `runs.facts` (the journal) and `live.facts` (a Docker host); findings are shown by the app's
triage screen, the failure card, and `mltui triage`. One rule is one file in `rules/`.
"""

from __future__ import annotations
