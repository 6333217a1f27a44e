"""`mltui.yaml` as an immutable typed model, with line and column for every value.

Pure: text in, model or problems out. `load(text, file)` is the front door. Names are imported on
first use, so that a command which reads no project pays nothing for this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mltui.spec.environments import check_target as check_target
    from mltui.spec.environments import match_environment as match_environment
    from mltui.spec.expr import format_expr as format_expr
    from mltui.spec.graph import Graph as Graph
    from mltui.spec.model import Spec as Spec
    from mltui.spec.overrides import apply_overrides as apply_overrides
    from mltui.spec.reader import load as load
    from mltui.spec.reader import problems as problems
    from mltui.spec.schema import json_schema as json_schema
    from mltui.spec.template import render as render

_HOMES = {
    "Graph": "graph",
    "Spec": "model",
    "apply_overrides": "overrides",
    "check_target": "environments",
    "format_expr": "expr",
    "json_schema": "schema",
    "load": "reader",
    "match_environment": "environments",
    "problems": "reader",
    "render": "template",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
