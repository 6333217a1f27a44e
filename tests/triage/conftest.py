"""A real cluster, where one is."""

from __future__ import annotations

from importlib import import_module

_testbed = import_module("testbed.cluster")
cluster = _testbed.cluster
