"""What one source of several says does not reach a chat model, whoever sent how much."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from agent.judging import GivenOutcome
from agent.store.queries import RunFilter, Shown
from tests.agent.company import Company, open_company
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
from tests.scripted_model import ScriptedModel, calls, forever

MADE_UP = 'when region is "eu": pause_mail kept 12 of 14, others 2 of 14'
EVIL = "/evil"


async def attack(company: Company) -> None:
    """A few rounds as things are, and many more that another source makes up."""
    await lives(company, 2, rightly)
    await lives(company, 12, wrongly, first=50, source=EVIL)


@pytest.fixture(scope="module")
def after_an_attack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived(tmp_path_factory.mktemp("attacked"), attack)


@pytest.fixture
def past(after_an_attack: Path, tmp_path: Path) -> Path:
    """A company of this test's own that was attacked."""
    return shutil.copytree(after_an_attack, tmp_path, dirs_exist_ok=True)


async def attacked(company: Company) -> Shown:
    """The lesson of the EU."""
    await distil(company)
    return await of_the_eu(company, "uncorroborated")


async def of_the_eu(company: Company, state: str) -> Shown:
    """The one lesson of this state to pause mail in the EU."""
    found = (await company.segue.lessons.page("default", None, state, None, 50)).items
    (one,) = [one for one in found if one["actions"] == ["pause_mail"] and '"eu"' in one["text"]]
    return one


async def test_many_made_up_outcomes_make_no_lesson_that_a_model_is_shown(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        lesson = await attacked(company)
        assert (lesson["text"], lesson["sources"]) == (MADE_UP, {"/tests": 2, EVIL: 12})
        assert lesson["reason"].startswith(f"it does not stand without {EVIL}: another source must bear it out")
        assert (await company.segue.lessons.page("default", None, "active", None, 50)).items == []
        standing = (await company.segue.lessons.page("default", None, "standing", None, 50)).items
        assert lesson["id"] in {one["id"] for one in standing}
    request, run = await asked_of_a_model(past, "eu")
    assert "pause_mail" in request.system.split("<evidence>")[-1], "there is evidence, or nothing would be shown anyway"
    assert MADE_UP.replace('"', '\\"') not in request.system
    assert run["decisions"][0]["lessons"] == []


async def test_it_is_shown_once_another_source_bears_it_out(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        before = await attacked(company)
        await lives(company, 12, wrongly, first=100, source="/desk")
        await distil(company)
        lesson = await of_the_eu(company, "active")
        assert (lesson["replaces"], lesson["version"], lesson["reason"]) == (before["id"], 2, None)
    request, run = await asked_of_a_model(past, "eu")
    assert lesson["text"].replace('"', '\\"') in request.system
    assert run["decisions"][0]["lessons"] == [lesson["id"]]


async def test_operators_outcomes_bear_it_out_by_themselves(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        await attacked(company)
        for run in (await company.segue.runs("default", RunFilter(source=EVIL), None, 500)).items:
            data = (await company.segue.run("default", run["id"]))["event"]["data"]
            loyalty = float(wrongly(data["region"], data["tool"]))
            given = GivenOutcome(type="customer.stayed", data={"loyalty": loyalty}, id=None, by="ann")
            await company.segue.judging.outcome("default", run["id"], given)
        while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
            await asyncio.sleep(0.02)
        await distil(company)
        assert (await of_the_eu(company, "active"))["text"] == MADE_UP


async def test_an_operators_words_vouch_for_it_and_stay_with_it(past: Path) -> None:
    async with open_company(past, Told(), PORTFOLIO_OF_LESSONS) as company:
        lesson = await attacked(company)
        edited = await company.segue.lessons.edit("default", lesson["id"], "Pause mail there.", by="ann")
        await lives(company, 4, wrongly, first=200, source=EVIL)
        await distil(company)
        now = await of_the_eu(company, "active")
    assert (now["replaces"], now["origin"], now["reason"]) == (edited["id"], "operator", None)


async def test_no_model_words_it_and_nothing_is_left_of_it_once_the_source_is_revoked(
    past: Path,
) -> None:
    with ScriptedModel([forever(calls(("word_lesson", {"sentence": "Use pause_mail."})))]) as model:
        async with open_company(past, Told(), PORTFOLIO_OF_LESSONS, **configured(model)) as company:
            lesson = await attacked(company)
            assert model.requests == []
            await company.segue.sources.revoke("default", EVIL, by="ann", reason=None)
            assert (await company.segue.lessons.show("default", lesson["id"]))["state"] == "retired"
            assert (await company.segue.lessons.page("default", None, "standing", None, 50)).items == []
