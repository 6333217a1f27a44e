"""Where `mltui` begins: the console script and `python -m mltui` both call `main`.

`--version` is answered here, before anything else is imported.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process; the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from mltui import __version__

        print(f"mltui {__version__}")
        return 0
    from mltui.cli.main import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
