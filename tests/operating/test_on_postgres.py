"""The operators' tools on PostgreSQL: the same answers from the same run of events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.agent.company import dies, open_company
from tests.operating.tool_company import ALICE, TOOLBOX, AsTold, carry_out, first, live, look, propose


async def test_every_tool_answers_and_acts_on_postgres(tmp_path: Path, postgres_url: str) -> None:
    async with open_company(tmp_path, AsTold(), database_url=postgres_url) as company:
        company.ledger.faults["book_call"] = [dies]
        good = await live(company, "c-1", ["pause_mail"], 1.0)
        await live(company, "c-2", ["book_call"])
        run = await live(company, "c-1", ["pay_back", "pause_mail"], amount=40)
        given: dict[str, dict[str, Any]] = {
            "explain_run": {"run": run["id"]},
            "why_called": {"tool": "pause_mail"},
            "why_not": {"tool": "book_call"},
        }
        told = {
            name: (await one.reads(company.segue, ALICE, given.get(name, {})))
            for name, one in TOOLBOX.items()
            if one.reads is not None
        }
        await carry_out(company, await propose(company, "answer_approval", subject="c-1", answer="approve", at_most=50))
        await company.ended(run["id"])
        waiting = await look(company, "waiting")
    assert told["waiting"].data["total"] == 2
    assert told["find_runs"].data["total"] == 3
    assert told["why_called"].data["total"] == 2
    assert told["like_cases"].data["good"] == 1
    assert first(told["tool_figures"])["tool"] == "book_call"
    assert told["figures"].data["runs"] == {"done": 1, "waiting": 2}
    assert told["learned"].data["outcomes"] == {"runs": 1, "good": 1, "mean_reward": 1.0, "mean_reward_before": None}
    assert f"run {good['id']} about c-1: pause_mail, ended well (reward 1.00)" in told["explain_run"].words
    assert first(waiting)["what"] == "effect"
