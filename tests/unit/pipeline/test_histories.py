"""What must hold in every run, held against random projects and random histories.

Seeds make the projects and everything that happens to them, so a failing example is one number:
`simulation(seed)` in `generated.py` makes it again.
"""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from mltui.pipeline.scheduler import Scheduler

from .generated import act, simulation
from .simulated import Simulation

QUICK = "MLTUI_QUICK" in os.environ
"""`make quick` looks at fewer examples; `make test` and CI at all."""
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
MOST = 3000
"""Steps after which a run counts as one that never ends."""


def drive(sim: Simulation, *, acting: float = 0.0, crashing: float = 0.0) -> None:
    """Let a run go its way to its end, now and then disturbed and checked."""
    random = sim.random
    assert random is not None
    for _ in range(MOST):
        if random.random() < acting and len(sim.history) < 300:
            act(sim)
        if random.random() < crashing:
            sim.crash()
        if random.random() < 0.05:
            sim.check_replay()
            sim.check_changes()
        if not sim.step():
            if acting and len(sim.history) < 200 and random.random() < 0.8:
                act(sim)  # on a run that has ended
            else:
                break
    assert sim.scheduler.finished, "a run always ends"
    sim.check_end()
    sim.check_replay()
    sim.check_changes()
    sim.check_bounds(persons=bool(acting))


@settings(max_examples=40 if QUICK else 200, deadline=None)
@given(SEEDS)
def test_a_run_left_alone(seed: int) -> None:
    drive(simulation(seed))


@settings(max_examples=60 if QUICK else 300, deadline=None)
@given(SEEDS)
def test_a_run_with_a_hasty_person(seed: int) -> None:
    drive(simulation(seed), acting=0.06)


@settings(max_examples=40 if QUICK else 200, deadline=None)
@given(SEEDS)
def test_a_run_whose_runner_dies_again_and_again(seed: int) -> None:
    drive(simulation(seed), acting=0.04, crashing=0.1)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_any_prefix_of_a_history_gives_the_state_it_had(seed: int) -> None:
    sim = simulation(seed)
    assert sim.random is not None
    for _ in range(MOST):
        if sim.random.random() < 0.05:
            act(sim)
        sim.check_replay()
        if not sim.step():
            break


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_same_history_gives_the_same_decisions(seed: int) -> None:
    one, other = simulation(seed), simulation(seed)
    for sim in (one, other):
        drive(sim, acting=0.04)
    assert one.history == other.history
    assert one.started == other.started


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_asking_twice_gives_nothing_twice(seed: int) -> None:
    sim = simulation(seed)
    scheduler = Scheduler(7, sim.plans[0])
    first = scheduler.next(sim.now, sim.limits)
    assert len(set(first)) == len(first)
    assert scheduler.next(sim.now, sim.limits) == []
