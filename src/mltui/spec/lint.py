"""The cross checks: what each field allows alone may still not work together.

Called by `mltui.spec.reader` once every field has been read, also when some were wrong.
"""

from __future__ import annotations

from mltui.spec.draft import Draft
from mltui.spec.fields import Reading
from mltui.spec.lint_loops import check_loops
from mltui.spec.lint_references import check_references
from mltui.spec.lint_templates import check_templates
from mltui.spec.model import Spec


def lint(spec: Spec, reading: Reading) -> None:
    """Adds every cross-check problem to `reading.problems`."""
    draft = Draft.of(spec, reading)
    check_references(draft)
    check_templates(draft)
    check_loops(draft)
