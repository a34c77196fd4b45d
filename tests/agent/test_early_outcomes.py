"""An outcome that comes while its run still goes on is learned of once the run has closed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.drifting import Drifting
from agent.types import Decision, Situation
from tests.agent.company import open_company, raw
from tests.agent.lesson_company import PORTFOLIO_OF_LESSONS, Told
from tests.agent.sources import joined_all


class Slow(Told):
    """Decides when it is let."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def decide(self, situation: Situation) -> Decision:
        """As told, later."""
        await self.may.wait()
        return await super().decide(situation)


async def test_who_learns_is_told_again_when_a_run_closes_that_has_an_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    again = asyncio.Event()

    async def joined(_: Drifting, runs: Sequence[str]) -> None:
        told.extend(runs)
        if len(told) == 2:
            again.set()

    monkeypatch.setattr(Drifting, "joined", joined)
    slow = Slow()
    async with open_company(tmp_path, slow, PORTFOLIO_OF_LESSONS) as company:
        event = raw("ann", id="e1", message="the parcel is late", region="eu", tool="book_call")
        (accepted,) = await company.segue.accept("default", [event])
        await company.segue.accept("default", [raw("ann", id="o1", type="customer.stayed", loyalty=1.0)])
        await joined_all(company.segue)
        assert told == [accepted.run]
        slow.may.set()
        await company.ended(str(accepted.run))
        async with asyncio.timeout(10):
            await again.wait()
        assert told == [accepted.run, accepted.run]
