"""What changed since the last good build, as a person would say it."""

from __future__ import annotations

from mltui.app.present.buildnews import news_of
from mltui.engines.docker.steps import BuildStep, BuildTree, StepState


def tree(
    *steps: tuple[str, StepState], image: str = "sha256:1", size: int = 0, context: int = 0
) -> BuildTree:
    made = tuple(
        BuildStep(str(n), name, state, file="Dockerfile", line=n)
        for n, (name, state) in enumerate(steps, 1)
    )
    return BuildTree(made, image=image, size_bytes=size, context_bytes=context)


DONE, CACHED, FAILED = StepState.DONE, StepState.CACHED, StepState.FAILED
BASE = ("FROM debian", CACHED)


def test_instructions_that_came_and_went_are_named() -> None:
    before = tree(BASE, ("RUN a", DONE), ("RUN b", DONE))
    after = tree(BASE, ("RUN a", CACHED), ("RUN c", DONE))
    assert news_of(before, after) == ("+ RUN c", "− RUN b")


def test_what_a_failed_build_did_not_come_to_is_not_gone() -> None:
    before = tree(BASE, ("RUN a", DONE), ("RUN b", DONE))
    assert news_of(before, tree(BASE, ("RUN x", FAILED), image="")) == ("+ RUN x", "− RUN a")


def test_files_that_changed_are_found_by_the_first_step_that_ran() -> None:
    before = tree(BASE, ("COPY env/prep.txt .", DONE), ("RUN pip install", DONE))
    after = tree(BASE, ("COPY env/prep.txt .", DONE), ("RUN pip install", FAILED), image="")
    assert news_of(before, after) == ("the files of `COPY env/prep.txt .` changed",)


def test_sizes_and_packages_are_told_when_they_differ_by_much() -> None:
    before = tree(BASE, size=100_000_000, context=1000)
    after = tree(BASE, size=250_000_000, context=1001)
    assert news_of(before, after, [("numpy", "1.26", "2.1"), ("scipy", None, "1.0")]) == (
        "numpy 1.26 → 2.1",
        "scipy none → 1.0",
        "image 100 MB → 250 MB",
    )
