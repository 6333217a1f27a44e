"""The certificate that one logs in to a cluster with, as triage wants to know of it.

Only of those that stay in the kubeconfig: what a plugin obtains, it obtains again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mltui.errors import MltuiError

if TYPE_CHECKING:
    from mltui.engines.kubernetes.client import Client

KIND = "ClientCertificate"


async def login_object(client: Client) -> bytes | None:
    """It as an object of its own kind, without its key; None: there is none to tell of."""
    try:
        access = await client.access()
    except MltuiError:
        return None  # who reaches the cluster says so
    if not access.certificate or access.expires_at is not None:
        return None
    return json.dumps(
        {"kind": KIND, "metadata": {"name": client.name}, "pem": access.certificate}
    ).encode()
