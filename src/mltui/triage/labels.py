"""Pods by their labels, so that what a selector chooses is found without asking every pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, TypeVar

from mltui.triage.kube import Pod

K = TypeVar("K")


class Labelled:
    """Pods of each namespace, by those labels that somebody asked about."""

    def __init__(self) -> None:
        self._spaces: dict[str, _Space] = {}

    def add(self, pod: Pod) -> None:
        """Take one in."""
        space = self._spaces.get(pod.namespace)
        if space is None:
            space = self._spaces[pod.namespace] = _Space()
        space.add(pod)

    def drop(self, pod: Pod) -> None:
        """Take one out."""
        if (space := self._spaces.get(pod.namespace)) is not None:
            space.drop(pod)

    def chosen(self, namespace: str, selector: Mapping[str, str]) -> list[Pod]:
        """Pods that a selector chooses, by name; an empty one chooses none."""
        space = self._spaces.get(namespace)
        if space is None or not selector:
            return []
        lists = [space.shelf(name).get(value, {}) for name, value in selector.items()]
        few = min(lists, key=len)
        fits = [x for x in few.values() if selector.items() <= x.labels.items()]
        return sorted(fits, key=lambda pod: pod.name)

    def values(self, namespace: str) -> dict[str, set[str]]:
        """Labels that pods have there, and their values."""
        space = self._spaces.get(namespace)
        return {} if space is None else {name: set(x) for name, x in space.all_shelves().items()}


class _Space:
    """Pods of one namespace. A label has a shelf from the first time that it is asked about."""

    def __init__(self) -> None:
        self._pods: dict[str, Pod] = {}
        self._shelves: dict[str, dict[str, dict[str, Pod]]] = {}
        self._is_whole = False
        """All labels have one."""

    def add(self, pod: Pod) -> None:
        key = pod.key
        self._pods[key] = pod
        for name in self._names(pod):
            if (value := pod.labels.get(name)) is not None:
                self._shelves.setdefault(name, {}).setdefault(value, {})[key] = pod

    def drop(self, pod: Pod) -> None:
        key = pod.key
        self._pods.pop(key, None)
        for name in self._names(pod):
            if (value := pod.labels.get(name)) is not None and name in self._shelves:
                forget(self._shelves[name], value, key)

    def _names(self, pod: Pod) -> Iterable[str]:
        return pod.labels if self._is_whole else self._shelves

    def shelf(self, name: str) -> Mapping[str, Mapping[str, Pod]]:
        if not self._is_whole and name not in self._shelves:
            made: dict[str, dict[str, Pod]] = {}
            for key, pod in self._pods.items():
                if (value := pod.labels.get(name)) is not None:
                    made.setdefault(value, {})[key] = pod
            self._shelves[name] = made
        return self._shelves.get(name, {})

    def all_shelves(self) -> Mapping[str, Mapping[str, Mapping[str, Pod]]]:
        if not self._is_whole:
            for name in {name for pod in self._pods.values() for name in pod.labels}:
                self.shelf(name)
            self._is_whole = True
        return {name: shelf for name, shelf in self._shelves.items() if shelf}


def attempt_of(pod: Pod) -> tuple[str, str, str]:
    """Run, stage and attempt that a pod was made for; empty where for none."""
    run, stage, attempt = (
        pod.labels.get(name, "") for name in ("mltui.run", "mltui.stage", "mltui.attempt")
    )
    return run, stage, attempt


def forget(index: MutableMapping[K, Any], key: K, name: object) -> None:
    """Take one out of an index, and its shelf once that is empty."""
    shelf = index.get(key)
    if shelf is not None:
        shelf.pop(name, None)
        if not shelf:
            del index[key]
