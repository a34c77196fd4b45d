"""The retail season: failed conversations, week by week. Start with `SEASON`."""

from __future__ import annotations

import os
from collections.abc import Callable

from evals.demo.season import Affair, Arm, Ended, Measure, Season


def play_arm(arm: Arm, seed: int, events: int, progress: Callable[[int], object]) -> Ended:
    """Blocks."""
    # Only where it is played: this opens a Segue, which takes seconds to load.
    from evals.seasons import retail

    wanted = retail.Season(seed=seed, memory=arm == "with memory", events=events, environment=dict(os.environ))
    affairs = [
        Affair(id=one.id, figures={"satisfaction": one.satisfaction, "churn": float(one.churned)})
        for one in retail.play(wanted, progress)
    ]
    return Ended(affairs=affairs)


SEASON = Season(
    world="retail_care",
    title="failed conversations",
    about="What Segue is not told: which team of the desk knows about what, and which customers would rather be "
    "called than written to.",
    events=50,
    measures=(
        Measure(key="satisfaction", name="satisfaction, of 100", unit=""),
        Measure(key="churn", name="customers who left", unit="share"),
    ),
    play_arm=play_arm,
)
