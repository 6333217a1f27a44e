"""How the site is built: `make docs`, offline, from these pages as they are."""

from __future__ import annotations

project = "mltui"
author = "mltui"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["pictures", "_build"]
html_theme = "furo"
html_title = "mltui"
html_show_sphinx = False
html_show_copyright = False
myst_heading_anchors = 3
# pictures and a sample's files lie outside of what is a page
suppress_warnings = ["myst.xref_missing"]
