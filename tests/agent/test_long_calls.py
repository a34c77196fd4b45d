"""A call of many minutes is executed once: nothing takes its run for lost meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.agent.company import PORTFOLIO, Company, Script, call, open_company
from tests.fast_time import LoopTime

LONG = PORTFOLIO.replace("book_call: {step: calm, timeout_s: 5}", "book_call: {step: calm, timeout_s: 3600}")
BEYOND_S = 20.0
"""More than every internal limit: the sweep's second, the wait for a workflow nobody handles."""


class Gate:
    """A tool's work that goes on until the test lets it end."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def wait(self) -> None:
        """The fault to set."""
        self.reached.set()
        await self.open.wait()


async def start(company: Company) -> tuple[str, Gate]:
    """A run that is in the middle of its one call."""
    gate = Gate()
    company.ledger.faults["book_call"] = [gate.wait]
    run = await company.send("c-1")
    await asyncio.wait_for(gate.reached.wait(), 30)
    return run, gate


async def assert_once(company: Company, run: str) -> None:
    shown = await company.ended(run)
    assert shown["status"] == "done"
    (effect,) = shown["effects"]
    assert (effect["state"], effect["attempts"]) == ("done", 1)
    assert len(company.ledger.deliveries) == 1


async def test_a_call_of_ten_minutes_is_executed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script([[call("book_call", customer="c-1")]])
    async with open_company(tmp_path, script, LONG) as company:
        run, gate = await start(company)
        # Reading gives the sweep, which reads too, the time to do what it does each second.
        await LoopTime(monkeypatch).pass_by(600, company.segue.health, step_s=5)
        assert (await company.segue.run("default", run))["status"] == "running"
        gate.open.set()
        await assert_once(company, run)


@pytest.mark.slow
async def test_a_call_that_really_outlasts_every_internal_limit_is_executed_once(tmp_path: Path) -> None:
    script = Script([[call("book_call", customer="c-1")]])
    async with open_company(tmp_path, script, LONG) as company:
        run, gate = await start(company)
        await asyncio.sleep(BEYOND_S)
        gate.open.set()
        await assert_once(company, run)
