"""Play the model against Segue: `python -m tests.durability.model.play --examples 1000`. Start with `play`."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from agent import dispatcher
from tests.agent.company import PORTFOLIO
from tests.durability.model.lives import Lives
from tests.durability.model.machine import SegueMachine
from tests.durability.model.plans import ByPlan

PATIENT = PORTFOLIO.replace("timeout_s: 5", "timeout_s: 600").replace("seconds: 60", "seconds: 3600")
"""Hanging calls hang until they are let go, and nobody runs out of time for it."""
STEPS = 10
SWEEP_S = 0.05
"""The sweep starts what a crash left; once a second would be most of an example's time."""


def play(folder: Path, *, examples: int, seed: int | None) -> type[SegueMachine]:
    """Play so many examples; without a seed always the same ones. Raises what the model says is wrong.

    The machine it gives back has counted what was done.
    """
    decider = ByPlan()
    usual, dispatcher.SWEEP_S = dispatcher.SWEEP_S, SWEEP_S
    lives = Lives(folder / "company", decider, PATIENT)

    class Machine(SegueMachine):
        pass

    Machine.lives, Machine.decider = lives, decider
    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=seed is None,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    try:
        run_state_machine_as_test(Machine if seed is None else seeded(seed)(Machine), settings=chosen)
    finally:
        lives.end()
        dispatcher.SWEEP_S = usual
    return Machine


def main() -> None:
    """Read the options, play, print one line; a violation is raised with the deeds that led to it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.disable()  # tools that break say so at length
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="segue-model-") as folder:
        played = play(Path(folder), examples=given.examples, seed=given.seed)
    sys.stdout.write(
        f"model: {played.examples} examples, {played.events} events, {played.lives.lived} lives "
        f"in {time.monotonic() - began:.0f} s, 0 violations\n"
    )


if __name__ == "__main__":
    main()
