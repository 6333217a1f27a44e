"""The screen: a Textual app that shows a project's runs and leaves requests in its journal.

`mltui.app.main.run_app` is the way in; nothing is imported here, so that asking for a part of the
package costs that part only.
"""

from __future__ import annotations
