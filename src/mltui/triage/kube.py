"""Rows of a cluster that rules look at, read from the API server's JSON (see `kube_reading`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KubeFacts:
    """What is known of a cluster; empty where none was looked at."""

    cluster: str = ""
