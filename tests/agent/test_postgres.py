"""The same code on PostgreSQL: what the store promises on SQLite, it promises there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.service import Conflict, GivenAnswer
from tests.agent.company import Script, call, dies, open_company, raw


@pytest.mark.parametrize("times", [1, 2])
async def test_a_story_with_an_approval_a_doubt_and_an_outcome_goes_the_same_way(
    tmp_path: Path, postgres_url: str, times: int
) -> None:
    """Twice on one database: the second time the schema is there and the first one's rows are not in the way."""
    subject = f"c-{times}"
    script = Script([[call("pay_back", amount=5), call("pause_mail"), call("book_call")]])
    async with open_company(tmp_path, script, database_url=postgres_url) as company:
        company.ledger.faults["book_call"] = [dies]
        event = raw(subject, id=f"e-{times}", message="nul and ünïcode")
        accepted = await asyncio.gather(*(company.segue.accept("default", [event]) for _ in range(5)))
        (run_id,) = {one.run for (one,) in accepted}
        run = await company.ended(run_id or "")
        assert run["status"] == "waiting"
        approval = await company.approval()
        answers = await asyncio.gather(
            *(company.segue.answer("default", approval["id"], GivenAnswer(approved=True)) for _ in range(3)),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, Conflict) for answer in answers) == 2
        unknown = (await company.segue.effects("default", "unknown", None, 9)).items
        key = unknown[0]["key"]
        await company.segue.settle("default", key, state="done", result=None, reason=None, by="ann")
        run = await company.ended(run["id"])
        while run["status"] != "done":
            run = await company.ended(run["id"])
            await asyncio.sleep(0.02)
        await company.send(subject, id=f"o-{times}", type="customer.stayed", loyalty=1)
        while not run["outcomes"]:
            await asyncio.sleep(0.02)
            run = await company.segue.run("default", run["id"])
    assert {effect["state"] for effect in run["effects"]} == {"done"}
    assert len(company.ledger.of("pay_back")) == 1
    assert run["outcomes"][0]["rewards"] == {"loyalty": 1.0}
