"""A proven plan is used again without the chat model: whole runs over the ledger, a scripted model over real HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.store.queries import Shown
from memory.tidying import TidySettings
from tests.agent.company import PORTFOLIO, Company, embedding_cache, open_company, refuses
from tests.agent.conftest import new_database
from tests.agent.test_outcomes import joined
from tests.scripted_model import Reply, Request, ScriptedModel, calls, forever, text

MESSAGES = ("my parcel is late again", "the parcel has not come", "where is the parcel I paid for")
LEARNING = "    learning: {reflex: {checked: 0.0, episodes: 4, lower: 0.5, margin: 0.1}}\n"
WITHOUT = PORTFOLIO.replace("features: {tier: results.look_up.tier}", "features: {kind: data.kind}").replace(
    "message: {type: string},", "message: {type: string}, kind: {type: string},"
)
WITH = WITHOUT.replace("    limits: {decisions: 6", LEARNING + "    limits: {decisions: 6")
WARM_UP = 4
"""Runs with an outcome from which the plan is proven, by `episodes`."""


async def pause_mail(customer: str, idempotency_key: str, days: int = 7, quietly: bool = False) -> dict[str, Any]:
    """Pause advertising mail to a customer. It takes one argument more than that of the company."""
    return {"paused": True, "quietly": quietly}


def sensible(request: Request) -> Reply:
    """Look the customer up, pause their mail and book a call about what they wrote, and that is all."""
    found = re.search(r"<event>\n(.*?)\n</event>", request.user, re.DOTALL)
    assert found is not None
    message = json.loads(found[1])["data"]["message"]
    turns = sum(one["role"] == "assistant" for one in request.messages)
    if turns == 0:
        return calls(("look_up", {}))
    if turns == 1:
        return calls(("pause_mail", {"days": 3}), ("book_call", {"note": message}))
    return text("All is done.")


@asynccontextmanager
async def opened(model: ScriptedModel, folder: Path, portfolio: str = WITH, **changes: Any) -> AsyncIterator[Company]:
    environment = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "k", "SEGUE_CACHE": str(embedding_cache())}
    given = {"model": "scripted", "environment": environment, **changes}
    async with open_company(folder, None, portfolio, **given) as company:
        yield company


async def live(company: Company, names: Sequence[str], *, loyalty: float = 1.0, kind: str = "parcel") -> list[Shown]:
    """Handle an event about each, and let its outcome come before the next."""
    runs: list[Shown] = []
    for number, name in enumerate(names):
        message = f"{MESSAGES[number % len(MESSAGES)]}, {name}"
        runs.append(await company.handle(name, id=f"e-{name}", message=message, kind=kind))
        await company.send(name, id=f"o-{name}", type="customer.stayed", loyalty=loyalty)
        await joined(company.segue)
    return runs


def named(start: str, count: int) -> list[str]:
    return [f"{start}-{number}" for number in range(count)]


def by_whom(run: Shown) -> list[str]:
    return [decision["decided_by"] for decision in run["decisions"]]


async def test_the_model_is_asked_until_the_plan_is_proven_and_then_not_any_more(tmp_path: Path) -> None:
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path) as company:
            taught = await live(company, named("c", WARM_UP))
            asked = len(model.requests)
            (run,) = await live(company, ["d-0"])
            (reflex,) = await company.segue.memories.reflex("default", None)
            booked = company.ledger.of("book_call")
    assert [by_whom(one) for one in taught] == [["scripted"] * 3] * WARM_UP
    assert (asked, len(model.requests)) == (3 * WARM_UP, 3 * WARM_UP)
    assert (run["status"], run["decided_by"], by_whom(run)) == ("done", "reflex", ["reflex"] * 3)
    assert [decision["tokens"] for decision in run["decisions"]] == [0, 0, 0]
    assert "4 past runs did the same here (4.0 by likeness)" in run["decisions"][1]["reason"]
    # The note is the new event's own message, the days are what they always were.
    assert booked[-1] == {"customer": "d-0", "note": f"{MESSAGES[0]}, d-0"}
    assert company.ledger.of("pause_mail")[-1] == {"customer": "d-0", "days": 3}
    assert reflex["decisions"] == {"reflex": 3, "checked": 0, "agreed": 0, "model": 12}
    assert reflex["gave_way"] == {"few": 12}
    assert (reflex["model_calls_saved"], reflex["tokens_saved"], reflex["tokens_used"]) == (3, 300, 1200)
    assert reflex["reward"]["reflex"] == {"runs": 1, "mean": 1.0}


async def test_on_postgresql_it_goes_the_same_way(tmp_path: Path, postgres_url: str) -> None:
    url = new_database(postgres_url, "reflex")
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path, database_url=url) as company:
            *_, run = await live(company, named("c", WARM_UP + 1))
            (reflex,) = await company.segue.memories.reflex("default", "customer.upset")
    assert by_whom(run) == ["reflex"] * 3
    assert reflex["decisions"] == {"reflex": 3, "checked": 0, "agreed": 0, "model": 12}
    assert (reflex["gave_way"], reflex["tokens_saved"]) == ({"few": 12}, 300)


async def test_with_the_planner_the_setting_changes_nothing(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, WITH) as company:
        *_, run = await live(company, named("c", WARM_UP + 1))
        (reflex,) = await company.segue.memories.reflex("default", None)
    assert set(by_whom(run)) == {"planner"}
    assert reflex["decisions"]["reflex"] == 0


async def test_without_the_setting_the_model_is_always_asked(tmp_path: Path) -> None:
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path, WITHOUT) as company:
            await live(company, named("c", WARM_UP + 2))
            assert await company.segue.memories.reflex("default", None) == []
    assert len(model.requests) == 3 * (WARM_UP + 2)


async def test_a_changed_tool_makes_the_model_be_asked_again(tmp_path: Path) -> None:
    changed = WITH.replace("tests.agent.company:pause_mail", "tests.agent.test_reflex:pause_mail")
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path) as company:
            *_, before = await live(company, named("c", WARM_UP + 1))
        async with opened(model, tmp_path, changed) as company:
            again = await live(company, named("d", WARM_UP))
            (after,) = await live(company, ["e-0"])
    assert by_whom(before) == ["reflex"] * 3
    assert [by_whom(one) for one in again] == [["scripted"] * 3] * WARM_UP
    assert by_whom(after) == ["reflex"] * 3


async def test_a_failed_call_gives_way_to_the_model(tmp_path: Path) -> None:
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path) as company:
            await live(company, named("c", WARM_UP))
            company.ledger.faults["pause_mail"] = [refuses]
            (run,) = await live(company, ["d-0"])
    assert by_whom(run) == ["reflex", "reflex", "scripted"]


async def test_a_result_that_was_never_seen_gives_way_to_the_model(tmp_path: Path) -> None:
    portfolio = WITH.replace("tests.agent.company:look_up", "tests.agent.test_reflex:look_up")
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path, portfolio) as company:
            await live(company, named("c", WARM_UP))
            (run,) = await live(company, ["stranger"])
    assert by_whom(run)[:2] == ["reflex", "scripted"]


async def look_up(customer: str, idempotency_key: str) -> dict[str, Any]:
    """Look up what is known of a customer."""
    return {"customer": customer, "barred": customer == "stranger"}


async def test_a_plan_that_earned_little_is_not_used_again(tmp_path: Path) -> None:
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path) as company:
            runs = await live(company, named("c", WARM_UP + 2), loyalty=0.4)
    assert [by_whom(one) for one in runs] == [["scripted"] * 3] * (WARM_UP + 2)


async def test_runs_of_another_kind_prove_nothing(tmp_path: Path) -> None:
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path) as company:
            await live(company, named("c", WARM_UP))
            (run,) = await live(company, ["d-0"], kind="invoice")
    assert by_whom(run) == ["scripted"] * 3


async def test_what_is_not_allowed_any_more_is_not_done_by_reflex(tmp_path: Path) -> None:
    without_call = WITH.replace("allow: [know, calm, pay_back]", "allow: [know, pause_mail, pay_back]")
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path) as company:
            await live(company, named("c", WARM_UP))
        async with opened(model, tmp_path, without_call) as company:
            (run,) = await live(company, ["d-0"])
            assert company.ledger.of("book_call") == []
    assert "reflex" not in by_whom(run)


async def test_without_memory_there_is_no_reflex(tmp_path: Path) -> None:
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path) as company:
            await live(company, named("c", WARM_UP))
        async with opened(model, tmp_path, memory=False) as company:
            (run,) = await live(company, ["d-0"])
    assert by_whom(run) == ["scripted"] * 3


@pytest.mark.parametrize("contrary", [False, True])
async def test_a_check_goes_to_the_model_and_says_whether_both_agree(tmp_path: Path, contrary: bool) -> None:
    def moody(request: Request) -> Reply:
        fresh = not any(one["role"] == "assistant" for one in request.messages)
        if contrary and fresh and "d-0" in request.user:
            return calls(("pause_mail", {"days": 3}))
        return sensible(request)

    checked = WITH.replace("checked: 0.0", "checked: 1.0")
    with ScriptedModel([forever(moody)]) as model:
        async with opened(model, tmp_path, checked) as company:
            await live(company, named("c", WARM_UP))
            (run,) = await live(company, ["d-0"])
            (reflex,) = await company.segue.memories.reflex("default", "customer.upset")
    assert "reflex" not in by_whom(run)
    said = run["decisions"][0]["reason"]
    if contrary:
        assert said.endswith("(A check: the reflex would have called look_up.)")
        assert reflex["decisions"]["agreed"] < reflex["decisions"]["checked"]
    else:
        assert said.endswith("(A check: the reflex would have decided the same.)")
        assert (reflex["decisions"]["checked"], reflex["decisions"]["agreed"]) == (3, 3)
    assert reflex["runs"]["checked"] == 1


async def test_a_plan_is_proven_by_runs_that_another_speaks_for_too(tmp_path: Path) -> None:
    """Without features likeness goes by text, and only one of the like runs is still in the index."""
    bare = WITH.replace("features: {kind: data.kind}", "features: {}")
    with ScriptedModel([forever(sensible)]) as model:
        async with opened(model, tmp_path, bare) as company:
            for name in named("c", 9):
                await company.handle(name, id=f"e-{name}", message=MESSAGES[0], kind="parcel")
                await company.send(name, id=f"o-{name}", type="customer.stayed", loyalty=1.0)
                await joined(company.segue)
            while company.segue.memories._memory.tail_size:
                await asyncio.sleep(0.02)
            company.segue.housekeeping._tidying._settings = TidySettings(settled_s=-60.0)
            (told,) = await company.segue.housekeeping.tidy("default", "customer.upset", dry_run=False)
            assert told["finished"]
            # At least eight, whoever decided: the first runs are the model's, as all that follow may be the reflex's.
            assert told["index_after"] < told["index_before"]
            asked = len(model.requests)
            run = await company.handle("d-0", id="e-d", message=MESSAGES[0], kind="parcel")
            assert by_whom(run) == ["reflex"] * 3
            assert len(model.requests) == asked
