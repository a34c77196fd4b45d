"""Lessons over their whole life: outcomes come, a lesson appears, is shown, credited, stops holding, and is retired."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agent import distilling
from agent.deciders.chat import ChatDecider
from agent.errors import Conflict, NotFound
from agent.judging import thumb
from agent.store.queries import Shown
from tests.agent.company import Company, open_company, raw
from tests.agent.lesson_company import (
    PORTFOLIO_OF_LESSONS,
    Told,
    asked_of_a_model,
    configured,
    distil,
    lived,
    lives,
    rightly,
    wrongly,
)
from tests.scripted_model import ScriptedModel, calls, error, forever, text

ROUNDS = 10
EU = 'when region is "eu": book_call kept 10 of 10, others 0 of 10'
US = 'when region is "us": pause_mail kept 10 of 10, others 0 of 10'


@pytest.fixture(scope="module")
def ten_rounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived(tmp_path_factory.mktemp("ten-rounds"), lambda company: lives(company, ROUNDS, rightly))


@pytest.fixture
def past(ten_rounds: Path, tmp_path: Path) -> Path:
    """A company of this test's own that lived through ten rounds."""
    return shutil.copytree(ten_rounds, tmp_path, dirs_exist_ok=True)


async def taught(company: Company) -> dict[str, Shown]:
    """The lessons of what a company lived through, by their text."""
    return {one["text"]: one for one in await distil(company)}


async def test_a_lesson_appears_is_shown_is_credited_stops_holding_and_is_retired(tmp_path: Path) -> None:
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        assert await distil(company) == []
        await lives(company, ROUNDS, rightly)
        found = await taught(company)
        assert set(found) == {EU, US}
        lesson = found[EU]
    request, run = await asked_of_a_model(tmp_path, "eu")
    assert EU.replace('"', '\\"') in request.system
    assert US.replace('"', '\\"') not in request.system
    assert [one["lessons"] for one in run["decisions"]] == [[lesson["id"]]] * 2
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        segue = company.segue
        assert (await segue.lessons.show("default", lesson["id"]))["credit"] == credit(open=1)
        await outcome(company, "m-eu", "first", 1.0)
        assert (await segue.lessons.show("default", lesson["id"]))["credit"] == credit(helped=1)
        await outcome(company, "m-eu", "corrected", 0.0)
        assert (await segue.lessons.show("default", lesson["id"]))["credit"] == credit(hurt=1)
        await lives(company, 8, wrongly, first=100)
        await distil(company)
        gone = await segue.lessons.show("default", lesson["id"])
        assert (gone["state"], gone["retired_by"]) == ("retired", "statistics")
        assert gone["reason"] == "it no longer holds: 0 of its latest 9 kept"
    request, run = await asked_of_a_model(tmp_path, "eu-again")
    assert "book_call kept" not in request.system
    assert run["decisions"][0]["lessons"] == []


async def test_who_decides_without_memory_is_shown_no_lesson(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        await taught(company)
    request, run = await asked_of_a_model(past, "eu", memory=False)
    assert "<evidence>" not in request.system.split("Rules", 1)[1].split("Goals", 1)[1]
    assert run["decisions"][0]["lessons"] == []


async def test_lessons_about_what_is_not_permitted_are_not_shown_and_permit_nothing(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        await taught(company)
    narrow = PORTFOLIO_OF_LESSONS.replace("allow: [know, calm, pay_back]", "allow: [look_up, pause_mail]")
    with ScriptedModel([calls(("book_call", {})), text("then not")]) as model:
        decider = ChatDecider(model="scripted", base_url=model.base_url, api_key="k")
        async with open_company(past, decider, narrow) as company:
            run = await company.handle("m", id="m", message="the parcel is late", region="eu")
            assert company.ledger.of("book_call") == []
        await decider.aclose()
    assert "book_call" not in model.requests[0].system
    assert run["decisions"][0]["calls"][0]["verdict"] == "refused"


async def test_an_operators_words_and_an_operators_no_outlast_the_next_distillation(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        segue, found = company.segue, await taught(company)
        edited = await segue.lessons.edit("default", found[EU]["id"], "Ring Europeans up.", by="ann")
        assert (edited["text"], edited["version"], edited["written_by"]) == (f"Ring Europeans up. ({EU})", 2, "ann")
        retired = await segue.lessons.retire("default", found[US]["id"], by="bob", reason="we stopped mail there")
        assert (retired["state"], retired["reason"]) == ("retired", "we stopped mail there")
        assert [one["id"] for one in await distil(company)] == [edited["id"]]
        await lives(company, ROUNDS, rightly, first=50)
        (now,) = await distil(company)
        assert now["text"] == "Ring Europeans up. (" + EU.replace("10", "20") + ")"
        assert (now["version"], now["written_by"], now["replaces"]) == (3, "ann", edited["id"])
        with pytest.raises(Conflict, match="later one"):
            await segue.lessons.edit("default", edited["id"], "Too late.", by="ann")
        with pytest.raises(Conflict, match="retired already"):
            await segue.lessons.retire("default", found[US]["id"], by="ann", reason=None)
        again = await segue.lessons.edit("default", found[US]["id"], "Stop mail there.", by="ann")
        standing = {one["id"]: one for one in await distil(company)}
        assert standing.keys() - {now["id"]} == {one for one in standing if standing[one]["replaces"] == again["id"]}
        assert "Stop mail there. (when region is " in " ".join(one["text"] for one in standing.values())
        versions = (await segue.lessons.page("default", None, None, None, 50)).items
    assert [one["version"] for one in versions if one["actions"] == ["book_call"]] == [3, 2, 1]


async def test_two_operators_at_once_make_one_version(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        found = await taught(company)
        name = found[EU]["id"]
        edits = [company.segue.lessons.edit("default", name, f"Words {by}.", by=by) for by in ("ann", "bob")]
        done = await asyncio.gather(*edits, *(distil(company) for _ in range(2)), return_exceptions=True)
        assert sum(isinstance(one, Conflict) for one in done) == 1
        standing = await distil(company)
    assert len([one for one in standing if one["actions"] == ["book_call"]]) == 1


async def test_lessons_are_of_one_tenant_and_unknown_names_are_told(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        found = await taught(company)
        assert (await company.segue.lessons.page("other", None, None, None, 50)).items == []
        with pytest.raises(NotFound, match="there is no lesson"):
            await company.segue.lessons.edit("other", found[EU]["id"], "Mine.", by="eve")
        with pytest.raises(NotFound, match=r"customer\.upset"):
            await company.segue.lessons.distil("default", "customer.upste")


async def test_lessons_come_by_themselves_as_outcomes_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distilling, "EVERY_S", 0.05)
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        await lives(company, 2 * ROUNDS, rightly)
        async with asyncio.timeout(20):
            while len((await company.segue.lessons.page("default", None, "active", None, 9)).items) < 2:
                await asyncio.sleep(0.02)


async def test_a_chat_model_words_a_new_lesson_and_the_counts_stay_ours(past: Path) -> None:
    say = calls(("word_lesson", {"sentence": "In the EU, use book_call to keep customers."}), tokens=44)
    lie = calls(("word_lesson", {"sentence": "pause_mail kept 99 of 99."}))
    with ScriptedModel([say, lie]) as model:
        async with open_company(past, Told(), PORTFOLIO_OF_LESSONS, **configured(model)) as company:
            found = await taught(company)
            assert await distil(company) != []
    assert len(model.requests) == 2
    assert set(found) == {f"In the EU, use book_call to keep customers. ({EU})", US}
    worded = next(one for one in found.values() if one["text"] != US)
    assert (worded["origin"], worded["written_by"], worded["tokens"]) == ("model", "scripted", 44)
    assert (found[US]["origin"], found[US]["written_by"]) == ("statistics", "statistics")


async def test_a_model_that_fails_leaves_the_statistical_text(past: Path) -> None:
    with ScriptedModel([forever(error(500))]) as model:
        async with open_company(past, Told(), PORTFOLIO_OF_LESSONS, **configured(model)) as company:
            assert set(await taught(company)) == {EU, US}


def credit(**changes: int) -> dict[str, int]:
    """Of a lesson that was shown to one run."""
    return {"shown": 1, "helped": 0, "hurt": 0, "otherwise": 0, "open": 0} | changes


async def outcome(company: Company, subject: str, name: str, loyalty: float) -> None:
    """An outcome, once it is joined."""
    await company.send(subject, id=f"o-{name}", type="customer.stayed", loyalty=loyalty)
    while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
        await asyncio.sleep(0.02)


async def test_lessons_of_a_revoked_source_are_retired_and_come_back_with_it(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        segue, found = company.segue, await taught(company)
        (source,) = {one["source"] for one in (await segue.memories.episodes("default", None, 50)).items}
        await segue.sources.revoke("default", source, by="ann", reason="a broken feed")
        assert (await segue.lessons.page("default", None, "active", None, 50)).items == []
        gone = await segue.lessons.show("default", found[EU]["id"])
        assert (gone["state"], gone["retired_by"]) == ("retired", "statistics")
        assert gone["reason"] == "no episode speaks of it any more"
        await segue.sources.restore("default", source, by="ann", reason=None)
        again = (await segue.lessons.page("default", None, "active", None, 50)).items
    assert {one["text"] for one in again} == {EU, US}


async def test_a_lesson_of_a_revoked_source_is_not_shown_even_while_nothing_can_be_distilled(
    past: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: object) -> None:
        await asyncio.Event().wait()

    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        await taught(company)
        data = {"message": "the parcel is late", "region": "eu", "tool": "book_call"}
        other = replace(raw("c-other", id="e-other", **data), source="/other")
        (accepted,) = await company.segue.accept("default", [other])
        await company.ended(str(accepted.run))
        await outcome(company, "c-other", "other", 1.0)
        monkeypatch.setattr(distilling.Distilling, "distil", stuck)
        monkeypatch.setattr(distilling, "PATIENCE_S", 0.01)
        await company.segue.sources.revoke("default", "/tests", by="ann", reason=None)
        # Outcomes came from there too; this one is an operator's.
        thumb_up = thumb("up", None, id=None, by="ann")
        await company.segue.judging.outcome("default", str(accepted.run), thumb_up)
        while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
            await asyncio.sleep(0.02)
        assert (await company.segue.lessons.page("default", None, "active", None, 50)).items, "retired later"
    request, run = await asked_of_a_model(past, "eu")
    assert "book_call" in request.system.split("<evidence>")[-1], "there is evidence, or nothing would be shown anyway"
    assert EU.replace('"', '\\"') not in request.system
    assert run["decisions"][0]["lessons"] == []
