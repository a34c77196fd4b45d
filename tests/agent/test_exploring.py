"""Exploration in whole runs: stored, shown, and the same after a restart."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from agent.store.queries import Shown
from tests.agent.company import PORTFOLIO, open_company

EXPLORING = PORTFOLIO.replace(
    "    limits: {decisions: 6, calls: 8, seconds: 60, tokens: 1000}\n",
    "    limits: {decisions: 6, calls: 8, seconds: 60, tokens: 1000}\n    learning: {explore: 0.5}\n",
).replace("pause advertising mail to the customer, step", "calm the customer by mail or a telephone call, step")


def written(run: Shown) -> tuple[str, float, dict[str, float]]:
    """The write of a run: its action, its propensity, and what is on record of its rivals."""
    for decision in run["decisions"]:
        for call in decision["calls"]:
            if call["tool"] in {"pause_mail", "book_call"}:
                record = {one["action"]: one["propensity"] for one in decision["candidates"] if one["propensity"]}
                return call["action"], call["propensity"], record
    raise AssertionError(f"no write in {run}")


async def test_what_is_explored_is_on_record_with_its_propensities(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, EXPLORING) as company:
        runs = [await company.handle(f"c-{number}", id=f"e-{number}", message="unhappy") for number in range(16)]
        episodes = (await company.segue.memories.episodes("default", None, 50)).items
    found = [written(run) for run in runs]
    assert {action for action, _, _ in found} == {"pause_mail", "book_call"}
    for action, propensity, record in found:
        assert record.keys() == {"pause_mail", "book_call"}
        assert math.fsum(record.values()) == pytest.approx(1.0)
        assert record[action] == propensity == 0.5
    kept = [one["propensity"] for episode in episodes for one in episode["actions"] if one["tool"] != "look_up"]
    assert kept == [0.5] * 16


async def test_without_memory_nothing_is_explored(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, EXPLORING, memory=False) as company:
        runs = [await company.handle(f"c-{number}", id=f"e-{number}", message="unhappy") for number in range(8)]
    assert len({written(run)[0] for run in runs}) == 1
    assert {written(run)[1] for run in runs} == {1.0}
