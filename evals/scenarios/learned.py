"""The data directory that the arm `learned` starts from: episodes made with playbooks and graded by outcomes.

Start with `learn`. World and Segue are processes of their own and talk HTTP, as a company would run them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evals.processes import Stage, open_stage
from evals.worlds.kit.serve import load_rules

GRADED = 200
TRAINING_SEED = 5_000
"""Of the world and its events; the cases' world has another, and their customers and machines are stated by hand."""
BATCH = 36
OTHERS = 7
"""Events of each type in a batch beside the world's main trouble."""
STEP_H = 12
"""Time goes on in steps, so that what comes due is handled soon."""
STEPS = 11
"""Between two batches: longer than any world takes from trouble to outcome, and no machine or customer comes twice."""
MAX_BATCHES = 12


async def learn(world: str, data: Path, progress: Callable[[int], None]) -> Path:
    """Send events of every type until enough episodes are graded; gives Segue's data directory, closed.

    Raises `LookupError` when the world's outcomes do not suffice.
    """
    types = load_rules(world).event_types
    async with open_stage(world, data, seed=TRAINING_SEED, memory=True) as stage:
        told = {kind["type"]: kind["kind"] for kind in (await stage.segue("/v1/event-types"))["items"]}
        starting = [type_ for type_ in types if told.get(type_) == "event"]
        for number in range(MAX_BATCHES):
            await stage.send(await _batch(stage, starting, number))
            await _until_settled(stage)
            for _ in range(STEPS):
                await stage.tell_world("/_world/advance", hours=STEP_H)
                await _until_settled(stage)
                graded = await _graded(stage)
                progress(min(GRADED, graded))
                if graded >= GRADED:
                    return data / "segue"
    raise LookupError(f"{world}: only {graded} of {GRADED} episodes were graded after {MAX_BATCHES} batches")


async def _until_settled(stage: Stage) -> None:
    """Until nothing goes on; an operator approves each call that needs one, and the world refuses what goes too far."""
    while True:
        await stage.until_idle()
        waiting = (await stage.segue("/v1/approvals", state="pending", limit=200))["items"]
        calls = [approval for approval in waiting if approval["kind"] == "call"]
        if not calls:
            return
        for approval in calls:
            await stage.tell_segue(f"/v1/approvals/{approval['id']}", {"answer": "approve"})


async def _batch(stage: Stage, types: Sequence[str], number: int) -> list[dict[str, Any]]:
    """Events of all types, most of them of the first one, which is the world's main trouble."""
    shares = dict.fromkeys(types, OTHERS) | {types[0]: BATCH - OTHERS * (len(types) - 1)}
    made = [
        await stage.world("/_world/events", type=type_, n=share, seed=TRAINING_SEED + number)
        for type_, share in shares.items()
    ]
    return list(itertools.chain.from_iterable(made))


async def _graded(stage: Stage) -> int:
    """Runs that an outcome was joined to."""
    runs: set[str] = set()
    cursor: str | None = None
    while True:
        at = {} if cursor is None else {"cursor": cursor}
        page = await stage.segue("/v1/outcomes", state="joined", limit=200, **at)
        runs |= {outcome["run"] for outcome in page["items"] if outcome["rewards"]}
        cursor = page["next"]
        if cursor is None:
            return len(runs)
