"""A scripted model that follows what it is shown does better by it, and goes by the numbers that were shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.learning.follower import Follower, evidence, expectations
from evals.learning.shown import ARMS, measure
from tests.agent.company import embedder

SHOWN = """Evidence
<evidence>
{"action": "ship_blue", "success": 3.0, "failure": 1.0, "episodes": 4}
{"action": "ship_red", "success": 0.0, "failure": 3.0, "episodes": 3}
</evidence>

Lessons
<evidence>
{"lesson": "when region is \\"west\\": ship_green kept 14 of 15, others 3 of 12"}
{"lesson": "Not by red. (when not to ship_red, when region is \\"west\\": it kept 1 of 9, others 8 of 9)"}
</evidence>"""
OFFERED = ("ship_blue", "ship_green", "ship_red")


@pytest.mark.slow
async def test_who_follows_what_is_shown_does_better_the_more_it_follows(tmp_path: Path) -> None:
    nothing, often, always = await measure(0, 36, tmp_path, embedder())
    assert (nothing.arm, often.arm, always.arm) == tuple(arm.name for arm in ARMS)
    assert nothing.success < 0.5
    assert often.second_half >= nothing.second_half + 0.15
    assert always.second_half >= nothing.second_half + 0.3
    assert always.second_half >= 0.75
    assert max(often.most_tokens, always.most_tokens) <= nothing.most_tokens + 500


def test_the_model_reads_numbers_and_lessons_from_what_it_is_shown() -> None:
    found = expectations(evidence(SHOWN))
    assert found == {"ship_blue": pytest.approx(0.7), "ship_red": 0.0, "ship_green": 1.0}
    assert evidence("no evidence at all") == []


def test_the_model_follows_as_often_as_it_is_said_to() -> None:
    shown = evidence(SHOWN)
    for rate, least, most in ((0.0, 260, 410), (0.7, 760, 840), (1.0, 1000, 1000)):
        model = Follower(rate=rate, seed=1)
        chosen = [model.choose(shown, OFFERED, f"event {number}") for number in range(1000)]
        assert least <= chosen.count("ship_green") <= most
        assert chosen == [model.choose(shown, OFFERED, f"event {number}") for number in range(1000)]
