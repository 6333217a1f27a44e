"""Every verb of mltui, one file each; the records that keys, help, palette and docs are made of.

`mltui.actions.registry` has them all. Nothing here needs a screen.
"""

from __future__ import annotations
