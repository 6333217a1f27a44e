"""`python -m mltui.app`: the screen alone."""

from __future__ import annotations

import sys

from mltui.app.main import main

sys.exit(main())
