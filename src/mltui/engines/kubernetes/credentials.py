"""Obtains the credentials of a context by the official client's loader.

Run by `access` as a process of its own (`python -m … CONTEXT KUBECONFIG`): a plugin must not get
the terminal that the screen is on, may hang, and the client costs 0.3 s and 35 MiB to import.
Prints one JSON object; what a plugin says goes to standard error, and is shown when it fails.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> int:
    """Load the context's credentials and print them."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s", stream=sys.stderr)
    context, files = sys.argv[1], sys.argv[2]
    config: Any = import_module("kubernetes.config.kube_config")
    configuration: Any = import_module("kubernetes.client").Configuration()
    try:
        loader = config._get_kube_config_loader(
            filename=files, active_context=context, persist_config=True
        )
        loader.load_and_set(configuration)
    except Exception as error:  # the library raises many kinds
        sys.stderr.write(f"{error}\n")
        return 1
    expiry = getattr(loader, "expiry", None)
    certificate, key = (getattr(loader, name, None) for name in ("cert_file", "key_file"))
    json.dump(
        {
            "authorization": getattr(loader, "token", "") or "",
            "certificate": Path(certificate).read_text(encoding="utf-8") if certificate else "",
            "key": Path(key).read_text(encoding="utf-8") if key else "",
            "expires_at": expiry.timestamp() if expiry is not None else None,
        },
        sys.stdout,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
