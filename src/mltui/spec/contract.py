"""The names that the stage contract gives to environment variables.

One place, because the reader refuses names that would collide, the pipeline puts them into the
command, and every engine exports them: `MLTUI_INPUT_RAW`, `MLTUI_PARAM_SEED`.
"""

from __future__ import annotations

METRICS = "MLTUI_METRICS"
ROUND = "MLTUI_ROUND"
ATTEMPT = "MLTUI_ATTEMPT"
RECORDS = "MLTUI_RECORDS"
PREFIXES = {"inputs": "INPUT", "outputs": "OUTPUT", "params": "PARAM", "secrets": "SECRET"}


def variable_name(section: str, name: str) -> str:
    """`("inputs", "raw-data")` → `MLTUI_INPUT_RAW_DATA`; `section` is a key of `PREFIXES`."""
    return f"MLTUI_{PREFIXES[section]}_{name.upper().replace('-', '_')}"
