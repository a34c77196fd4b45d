"""A run told as a story: what stands on its page, as data, from whole runs of a small company."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.errors import NotFound
from agent.judging import thumb
from agent.service import GivenAnswer
from agent.types import Question
from api.console.run_rows import row
from api.console.run_step import Step
from api.console.run_story import look, story
from tests.agent.company import PORTFOLIO, Company, Script, call, dies, open_company, refuses

ANY_RISK = PORTFOLIO.replace(", risk: high", "")
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[31m\n{{7*7}} **b**"


async def told(company: Company, run: str) -> dict[str, Step]:
    """The steps by key; no two have one key."""
    steps = story(await look(company.segue, "default", run))
    assert len({step.key for step in steps}) == len(steps)
    return {step.key: step for step in steps}


async def graded(company: Company, run: str) -> None:
    """Wait until an outcome of the run was graded."""
    while not any(one["rewards"] for one in (await company.segue.run("default", run))["outcomes"]):
        await asyncio.sleep(0.01)


async def test_a_run_is_told_from_its_event_to_its_end_in_order(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("look_up"), call("pause_mail", days=3)]])) as company:
        run = (await company.handle("c-1", message="where is it"))["id"]
        steps = await told(company, run)
    kinds = [step.kind for step in steps.values()]
    assert kinds == ["event", "recalled", "decision", "effect", "effect", "decision", "end", "reward"]
    assert steps["event"].title == "customer.upset about c-1"
    assert steps["event"].facts == (("message", "where is it"),)
    assert steps["decision-1"].title == "The model script decided on look_up and pause_mail"
    pause = dict(steps[f"{run}:1:1"].facts)
    assert (pause["with"], pause["result"], pause["attempts"]) == ("days: 3; customer: c-1", "paused: yes", "1")
    assert steps["decision-2"].title == "The model script wanted nothing more"
    assert steps["end"].state == "done"


async def test_what_a_run_waits_for_is_told_with_links_to_the_inbox_and_who_answered(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pay_back", amount=5)]])) as company:
        run = (await company.handle())["id"]
        approval = (await company.approval())["id"]
        steps = await told(company, run)
        assert steps["waits"].links == (("Approve or reject pay_back", f"/console/inbox?approval={approval}"),)
        assert steps[f"approval-{approval}"].state == "pending"
        await company.segue.answer("default", approval, GivenAnswer(approved=True, by="olga", reason="fair"))
        while (await company.segue.run("default", run))["status"] != "done":
            await company.ended(run)
        steps = await told(company, run)
    assert "waits" not in steps
    (line,) = steps[f"approval-{approval}"].lines
    assert line.startswith("olga approved it after ")
    assert line.endswith("saying: fair.")
    assert list(steps).index(f"approval-{approval}") < list(steps).index(f"{run}:1:0")


async def test_an_effect_in_doubt_is_offered_to_be_settled_and_one_that_is_settled_is_not(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("book_call")]])) as company:
        company.ledger.faults["book_call"] = [dies]
        run = (await company.handle())["id"]
        key = f"{run}:1:0"
        steps = await told(company, run)
        assert steps[key].settles
        assert "settled" in steps["waits"].lines[0]
        await company.segue.settle("default", key, state="failed", result=None, reason="no call", by="olga")
        steps = await told(company, run)
    assert not steps[key].settles
    assert dict(steps[key].facts)["settled by"] == "olga, saying: no call"


async def test_a_failed_call_and_a_refused_one_say_why(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail"), call("close_account", customer="c-9")]])) as company:
        company.ledger.faults["pause_mail"] = [refuses]
        run = (await company.handle())["id"]
        steps = await told(company, run)
    assert "not today" in dict(steps[f"{run}:1:0"].facts)["error"]
    calls = steps["decision-1"].grids[0]
    assert calls.rows[1][4].startswith("refused by policy: ")


async def test_a_question_is_told_with_its_options(tmp_path: Path) -> None:
    question = Question(text="which one?", options=(call("book_call"),), missing=("note",))
    async with open_company(tmp_path, Script([question])) as company:
        run = (await company.handle())["id"]
        steps = await told(company, run)
    (asked,) = [step for step in steps.values() if step.kind == "approval"]
    assert (asked.title, asked.lines) == ("A person is asked", ("which one?",))
    assert asked.grids[0].rows[0][0] == "book_call"
    assert steps["waits"].links[0][0] == "Answer the question"


async def test_like_cases_and_how_they_ended_the_reward_and_a_thumb_are_told(tmp_path: Path) -> None:
    async with open_company(tmp_path, None) as company:
        first = (await company.handle("c-1", id="e-1", message="where is my parcel"))["id"]
        await company.send("c-1", type="customer.stayed", id="o-1", loyalty=1)
        await graded(company, first)
        second = (await company.handle("c-2", id="e-2", message="where is my parcel"))["id"]
        steps = await told(company, second)
        ((_, (case,), more),) = [one for one in steps["recalled-1"].cases if one[0] == "pause_mail"]
        assert (case.run, case.reward, more <= 0) == (first, 1.0, True)
        chosen = next(grid for grid in steps["decision-1"].grids if any(grid.marked))
        assert [line[1] for line, marked in zip(chosen.rows, chosen.marked, strict=True) if marked] == ["pause_mail"]
        before = await told(company, first)
        assert before["reward"].title == "Its reward is 1.00 of 1"
        assert ("pause_mail", "1.00", "the run's reward") in before["reward"].grids[0].rows
        assert steps["reward"].title == "No outcome has come yet"
        await company.segue.judging.outcome("default", second, thumb("down", "too slow", id=None, by="olga"))
        await graded(company, second)
        steps = await told(company, second)
    (judged,) = [step for step in steps.values() if step.kind == "outcome"]
    assert judged.title == "olga judged the run: badly done"
    assert ("reason", "too slow") in judged.facts
    assert steps["reward"].title == "Its reward is 0.00 of 1"


async def test_credit_says_whether_it_is_the_runs_reward_or_the_calls_own(tmp_path: Path) -> None:
    script = Script([[call("look_up")], [call("pay_back", amount=5)], [call("pause_mail")]])
    async with open_company(tmp_path, script, ANY_RISK) as company:
        company.ledger.faults["pay_back"] = [refuses]
        run = (await company.handle())["id"]
        await company.send("c-1", type="customer.stayed", id="o-1", loyalty=0.5)
        await graded(company, run)
        steps = await told(company, run)
    assert set(steps["reward"].grids[0].rows) == {
        ("look_up", "0.50", "the run's reward; it counts 81%, as 2 later decisions acted"),
        ("pay_back", "0.00", "the tool turned it down"),
        ("pause_mail", "0.50", "the run's reward"),
    }


async def test_a_run_that_failed_for_good_leads_to_its_dead_letter_until_that_is_given_up(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([RuntimeError("broken")] * 9)) as company:
        run = (await company.handle())["id"]
        steps = await told(company, run)
        assert steps["end"].links == (("Replay or discard it in the inbox", f"/console/inbox?letter={run}"),)
        await company.segue.dead.discard("default", run, by="olga", reason="no use")
        steps = await told(company, run)
    assert steps["end"].links == ()


async def test_hostile_text_is_one_clean_line_wherever_it_stands(tmp_path: Path) -> None:
    script = Script([[call("book_call", note=HOSTILE)]])
    script.name = HOSTILE
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["book_call"] = [dies]
        run = (await company.handle(HOSTILE, message=HOSTILE))["id"]
        await company.segue.settle("default", f"{run}:1:0", state="done", result=HOSTILE, reason=HOSTILE, by=HOSTILE)
        steps = await told(company, run)
        listed = row((await company.segue.desk.lists.again("default", [run]))[0])
    texts = [listed.title, listed.did, listed.end, listed.by]
    for step in steps.values():
        texts += [step.title, *step.lines, *(one for pair in step.facts for one in pair)]
        texts += [cell for grid in step.grids for line in grid.rows for cell in line]
    assert sum("<img src=x onerror=alert(1)>" in one for one in texts) >= 6
    assert [one for one in texts if not one.isprintable()] == []


async def test_a_run_of_nobody_or_of_another_tenant_is_not_found(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("look_up")]])) as company:
        run = (await company.handle())["id"]
        for tenant, name in (("other", run), ("default", "nobody")):
            with pytest.raises(NotFound):
                await look(company.segue, tenant, name)


async def test_a_line_of_the_list_says_what_was_done_and_what_is_waited_for(tmp_path: Path) -> None:
    script = Script([[call("look_up"), call("book_call"), call("pay_back", amount=5)]])
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["book_call"] = [dies]
        run = await company.handle()
        shown = row((await company.segue.desk.lists.again("default", [run["id"]]))[0])
    assert shown.did == "look_up; book_call in doubt. Waits for the approval of pay_back."
    assert (shown.status, shown.end, shown.by, shown.took) == ("waiting", "", "script", "")
