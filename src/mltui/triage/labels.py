"""Pods by their labels, so that what a selector chooses is found without asking every pod."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, TypeVar

from mltui.triage.kube import Pod

K = TypeVar("K")


class Labelled:
    """Namespace → label → value → pods."""

    def __init__(self) -> None:
        self._pods: dict[str, dict[str, dict[str, dict[str, Pod]]]] = {}

    def add(self, pod: Pod) -> None:
        """Take one in."""
        labels = self._pods.setdefault(pod.namespace, {})
        for name, value in pod.labels.items():
            labels.setdefault(name, {}).setdefault(value, {})[pod.key] = pod

    def drop(self, pod: Pod) -> None:
        """Take one out."""
        labels = self._pods.get(pod.namespace, {})
        for name, value in pod.labels.items():
            forget(labels[name], value, pod.key)
            if not labels[name]:
                del labels[name]

    def chosen(self, namespace: str, selector: Mapping[str, str]) -> list[Pod]:
        """Pods that a selector chooses, by name; an empty one chooses none."""
        labels = self._pods.get(namespace, {})
        lists = [labels.get(name, {}).get(value, {}) for name, value in selector.items()]
        few = min(lists, key=len, default={})
        fits = [x for x in few.values() if selector.items() <= x.labels.items()]
        return sorted(fits, key=lambda pod: pod.name)

    def values(self, namespace: str) -> dict[str, set[str]]:
        """Labels that pods have there, and their values."""
        return {name: set(values) for name, values in self._pods.get(namespace, {}).items()}


def forget(index: MutableMapping[K, Any], key: K, name: object) -> None:
    """Take one out of an index, and its shelf once that is empty."""
    shelf = index.get(key)
    if shelf is not None:
        shelf.pop(name, None)
        if not shelf:
            del index[key]
