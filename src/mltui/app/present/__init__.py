"""What is written on the screen, as plain data: facts in, lines of text and roles out.

Pure and without Textual, so that what a person reads is tested as text. The panes call these and
hand the lines to a `LineView`.
"""

from __future__ import annotations
