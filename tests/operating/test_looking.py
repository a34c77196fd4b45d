"""What operators are told of runs, of what waits, and of like cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.errors import NotFound
from tests.agent.company import dies, open_company, refuses
from tests.operating.tool_company import ALICE, OTHER, TOOLBOX, AsTold, joined, live, look, now
from tools.errors import ToolError


async def test_what_waits_is_told_oldest_first_with_exact_arguments_and_what_each_answer_does(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        paid = await live(company, "c-1", ["pay_back"], amount=40)
        company.ledger.faults["book_call"] = [dies]
        doubtful = await live(company, "c-2", ["book_call"])
        asked = await live(company, "c-3", ["pause_mail"], ask="shall mail rest?")
        dead = await live(company, "c-4", [], crash=True)
        found = await look(company, "waiting")
        one = await look(company, "waiting", subject="C-2")
    lines = found.words.splitlines()
    assert lines[0] == "4 things wait for you, oldest first:"
    assert [paid["id"] in lines[1], doubtful["id"] in lines[2], asked["id"] in lines[3], dead["id"] in lines[4]] == [
        True
    ] * 4
    approval = paid["approvals"][0]["id"]
    assert lines[1].startswith(f"1. Approval {approval} for c-1, ")
    assert 'pay_back {"customer": "c-1", "amount": 40}' in lines[1]
    assert "Yes: it is called once with exactly these arguments. No: it is not called" in lines[1]
    assert f"Unknown effect {doubtful['effects'][0]['key']} for c-2" in lines[2]
    assert "the line went dead" in lines[2]
    assert '"shall mail rest?" Yes: pause_mail {"customer": "c-3"}. No: none of these is called' in lines[3]
    assert "failed for good" in lines[4]
    assert "model_failed" in lines[4]
    assert "the model is away" in lines[4]
    assert (found.data["total"], one.data["total"]) == (4, 1)
    assert one.words.startswith("1 thing about c-2 waits for you")
    assert [card.kind for card in found.cards] == ["approval", "effect", "approval", "run"]


async def test_what_happened_is_told_as_short_stories_of_decisions_effects_and_outcomes(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        good = await live(company, "c-1", ["pause_mail"], 1.0, because="mail annoys her")
        company.ledger.faults["book_call"] = [refuses]
        bad = await live(company, "c-1", ["book_call"], 0.25)
        await live(company, "c-2", ["pause_mail"])
        found = await look(company, "find_runs", subject="c-1")
        by_tool = await look(company, "find_runs", tool="book_call")
        limited = await look(company, "find_runs", limit=1)
        waiting = await look(company, "find_runs", status="waiting")
    story, (latest, first) = found.words, (found.words.index(bad["id"]), found.words.index(good["id"]))
    assert latest < first
    assert story.startswith("2 runs about c-1:")
    assert 'told wanted pause_mail: "mail annoys her".' in story
    assert 'pause_mail {"customer": "c-1"}: done, it answered {"paused": true}.' in story
    assert 'book_call {"customer": "c-1"}: failed: "not today".' in story
    assert "Outcome by customer.stayed: reward 1.00 of 1." in story
    assert "reward 0.25 of 1" in story
    assert by_tool.data["total"] == 1
    assert bad["id"] in by_tool.words
    assert limited.words.startswith("3 runs; the latest 1:")
    assert waiting.words == "There are no runs that are waiting."


async def test_a_run_is_told_by_the_time_it_came_and_only_to_its_tenant(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pause_mail"])
        middle = now()
        later = await live(company, "c-1", ["book_call"])
        since = await look(company, "find_runs", since=middle)
        until = await look(company, "find_runs", until=middle)
        theirs = await look(company, "find_runs", asker=OTHER)
        with pytest.raises(NotFound):
            await look(company, "explain_run", asker=OTHER, run=later["id"])
        with pytest.raises(ToolError, match="is not before until"):
            await look(company, "find_runs", since=now(), until=middle)
        with pytest.raises(ToolError, match="'yesterday' is no moment"):
            await look(company, "find_runs", since="yesterday")
    assert (since.data["total"], until.data["total"]) == (1, 1)
    assert later["id"] in since.words
    assert later["id"] not in until.words
    assert theirs.words.startswith("There are no runs yet.")


async def test_a_run_is_explained_with_what_memory_recalled_and_what_came_of_each_call(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pause_mail"], 1.0)
        await live(company, "c-2", ["pause_mail"], 0.0)
        run = await live(company, "c-3", ["pause_mail", "pay_back"], amount=9)
        found = await look(company, "explain_run", run=run["id"].lower())
        with pytest.raises(ToolError, match="is no id"):
            await look(company, "explain_run", run="x" * 100_000)
    words = found.words
    assert "Memory of pause_mail: of 2 like cases 1 ended well and 1 badly:" in words
    assert 'pay_back {"customer": "c-3", "amount": 9}, needs an approval.' in words
    assert f"Its key is {run['effects'][0]['key']}." in words
    assert f"Waits for the approval {run['approvals'][0]['id']} of pay_back" in words


async def test_like_cases_are_told_with_what_was_done_and_how_many_ended_well(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        good = [await live(company, f"c-{number}", ["pause_mail"], 1.0) for number in range(2)]
        bad = await live(company, "c-8", ["book_call"], 0.0)
        run = await live(company, "c-9", ["pause_mail"])
        found = await look(company, "like_cases", run=run["id"])
        latest = await look(company, "like_cases")
        about = await look(company, "like_cases", subject="c-9")
        first = await look(company, "like_cases", run=good[0]["id"])
    assert found.words.startswith(f"3 like cases of run {run['id']} about c-9, ")
    assert "2 ended well and 1 badly." in found.words
    assert "Of book_call: 1 ended badly;" in found.words
    assert f"run {bad['id']} about c-8: book_call, ended badly (reward 0.00)" in found.words
    assert (found.data["good"], found.data["bad"], found.data["open"]) == (2, 1, 0)
    assert latest.data["run"] == about.data["run"] == run["id"]
    assert "memory knew none with an outcome" in first.words


async def test_a_late_correction_changes_how_a_like_case_ended(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "c-1", ["pause_mail"], 1.0)
        run = await live(company, "c-2", ["pause_mail"])
        before = await look(company, "like_cases", run=run["id"])
        await company.send("c-1", id="o-late", type="customer.stayed", loyalty=0.0)
        await joined(company)
        after = await look(company, "like_cases", run=run["id"])
    assert "1 ended well." in before.words
    assert "1 ended badly." in after.words


async def test_an_empty_store_is_answered_with_what_could_be_asked_instead(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        given = {"why_called": {"tool": "pause_mail"}, "why_not": {"tool": "pause_mail"}}
        for name, one in TOOLBOX.items():
            if one.reads is not None and name != "explain_run":
                found = await one.reads(company.segue, ALICE, given.get(name, {}))
                assert found.words
                assert found.suggestions
        with pytest.raises(ToolError, match="There are no runs yet: send an event"):
            await look(company, "waiting", subject="c-1")


async def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        await live(company, "customer-17", ["pause_mail"])
        wrong: list[tuple[str, dict[str, Any], str]] = [
            ("find_runs", {"subject": "custmer-17"}, "Did you mean 'customer-17'"),
            ("find_runs", {"event_type": "customer.upse"}, "Did you mean 'customer.upset'"),
            ("find_runs", {"status": "dead"}, "Right: queued, running"),
            ("tools", {"tool": "pause_mial"}, "Did you mean 'pause_mail'"),
            ("tools", {"step": "clam"}, "Did you mean 'calm'"),
            ("why_not", {"tool": "nothing like it"}, "there is no tool 'nothing like it'"),
        ]
        for tool, arguments, hint in wrong:
            with pytest.raises(ToolError, match=hint):
                await look(company, tool, **arguments)
