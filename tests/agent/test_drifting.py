"""An action that begins to turn out otherwise: it is noticed as outcomes come, counts less, and is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from agent import drifting
from agent.errors import NotFound
from agent.service import Segue
from agent.store import episodes
from agent.store.queries import Shown
from agent.store.tables import changes as rows
from memory.types import Episode
from tests.agent.company import Company, open_company, raw
from tests.agent.conftest import new_database
from tests.agent.lesson_company import PORTFOLIO_OF_LESSONS, Told
from tests.agent.sources import joined_all

TYPE = "customer.upset"


@pytest.fixture(autouse=True)
def looked_for_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no test waits."""
    monkeypatch.setattr(drifting, "EVERY_S", 0.02)
    monkeypatch.setattr(drifting, "REST", 0.0)


async def live(
    company: Company, rewards: Sequence[float], *, first: int = 0, tool: str = "book_call", source: str = "/tests"
) -> list[str]:
    """Customers one after the other, each served by the tool, and how it ended; the runs."""
    runs = []
    for number, reward in enumerate(rewards, first):
        name = f"{source}-{tool}-{number}"
        told = raw(name, id=f"e{name}", message="the parcel is late", region="eu", tool=tool)
        (accepted,) = await company.segue.accept("default", [replace(told, source=source)])
        runs.append(str(accepted.run))
        await company.ended(runs[-1])
        ended = raw(name, id=f"o{name}", type="customer.stayed", loyalty=reward)
        await company.segue.accept("default", [replace(ended, source=source)])
    await joined_all(company.segue)
    return runs


async def told_after(segue: Segue, number: int) -> list[Shown]:
    """The changes, once so many are told."""
    async with asyncio.timeout(30):
        while len(found := await segue.drifting.list("default", None)) != number:
            await asyncio.sleep(0.02)
    return found


async def heard(segue: Segue, runs: Sequence[str]) -> dict[str, float]:
    """What is left of the weight of each run's one action, as recall reads it."""
    found: Sequence[Episode] = await segue.memories._database.read(
        lambda connection: episodes.EpisodeReader().fetch(connection, "default", runs)
    )
    return {one.id: one.lasting.get(one.actions[0].action, 1.0) for one in found}


async def test_a_change_is_noticed_told_once_in_the_log_and_halves_what_was_learned_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        segue = company.segue
        mails = await live(company, [0.5, 0.5], tool="pause_mail")
        before = await live(company, [1.0] * 12)
        assert await segue.drifting.list("default", TYPE) == []
        with caplog.at_level(logging.WARNING, "agent.drifting"):
            since = await live(company, [0.0] * 9, first=12)
            (change,) = await told_after(segue, 1)
            since += await live(company, [0.0] * 3, first=21)
            await segue.drifting.look("default", TYPE)
        assert (change["type"], change["action"], change["way"]) == (TYPE, "book_call", "worse")
        assert (change["source"], change["before"], change["found"]) == ("/tests", 12, 0.0)
        assert change["expected"] > 0.8
        assert [one for one in caplog.messages if "book_call" in one] == [
            f"'book_call' turns out worse since {change['at']} for event type 'customer.upset' from '/tests' of tenant "
            f"'default': 0.00 in {change['since']} outcomes, where {change['expected']:.2f} was to be expected; what "
            "was learned of it before counts half"
        ]
        left = await heard(segue, [*mails, *before, *since])
        assert {left[run] for run in before} == {0.5}
        assert {left[run] for run in (*since, *mails)} == {1.0}
        assert await segue.drifting.list("other", None) == []
        assert await segue.drifting.list("default", TYPE) == [change]
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        assert await company.segue.drifting.list("default", None) == [change]


async def test_it_shows_in_the_next_decisions_evidence(tmp_path: Path) -> None:
    async def evidence(company: Company, name: str) -> Any:
        run = await company.handle(name, id=name, message="the parcel is late", region="eu", tool="pause_mail")
        return next(one for one in run["evidence"] if one["action"] == "book_call")

    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        await live(company, [1.0] * 12 + [0.0] * 9)
        await told_after(company.segue, 1)
        halved = await evidence(company, "halved")
        await company.segue.memories._database.write(lambda connection: connection.execute(delete(rows)))
        whole = await evidence(company, "whole")
    share = [one["success"] / (one["success"] + one["failure"]) for one in (halved, whole)]
    assert share[0] < share[1] - 0.1


async def test_a_correction_takes_a_change_back(tmp_path: Path) -> None:
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        runs = await live(company, [1.0] * 12 + [0.0] * 9)
        await told_after(company.segue, 1)
        for number in range(12, 21):
            name = f"/tests-book_call-{number}"
            await company.send(name, id=f"corrected-{number}", type="customer.stayed", loyalty=1.0)
        await joined_all(company.segue)
        await told_after(company.segue, 0)
        assert set((await heard(company.segue, runs)).values()) == {1.0}


async def test_after_a_revocation_changes_equal_those_of_one_that_never_saw_the_source(tmp_path: Path) -> None:
    """The liar sours a call, at the desk's side too; without it nothing has changed."""
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        segue = company.segue
        honest = await live(company, [1.0] * 12)
        lies = await live(company, [1.0] * 12 + [0.0] * 9, source="/liar")
        (change,) = await told_after(segue, 1)
        assert change["source"] == "/liar"
        assert set((await heard(segue, honest)).values()) == {1.0}
        await segue.sources.revoke("default", "/liar", by="ann", reason="it lies")
        assert await segue.drifting.list("default", None) == []
        await segue.sources.restore("default", "/liar", by="ann", reason=None)
        (again,) = await segue.drifting.list("default", None)
        assert {**again, "noted_at": ""} == {**change, "noted_at": ""}
        assert sorted(set((await heard(segue, lies)).values())) == [0.5, 1.0]


async def test_a_change_that_a_revoked_source_had_a_part_in_counts_no_more_even_before_it_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: object) -> None:
        await asyncio.Event().wait()

    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        segue = company.segue
        runs = await live(company, [1.0] * 12 + [0.0] * 9)
        await live(company, [1.0], source="/other")
        await told_after(segue, 1)
        monkeypatch.setattr(drifting.Drifting, "look", stuck)
        monkeypatch.setattr(drifting, "PATIENCE_S", 0.01)
        await segue.sources.revoke("default", "/other", by="ann", reason=None)
        assert await segue.drifting.list("default", None) == []
        assert set((await heard(segue, runs)).values()) == {1.0}


async def test_a_change_from_before_the_latest_episodes_stays_until_other_sources_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drifting, "MOST", 22)
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        segue = company.segue
        await live(company, [1.0] * 12 + [0.0] * 9)
        (change,) = await told_after(segue, 1)
        await live(company, [0.0] * 16, first=21)
        await segue.drifting.look("default", TYPE)
        (still,) = await segue.drifting.list("default", None)
        assert [still[name] for name in ("action", "at", "noted_at")] == [
            change[name] for name in ("action", "at", "noted_at")
        ]
        await live(company, [1.0], source="/other")
        await segue.sources.revoke("default", "/other", by="ann", reason=None)
        assert await segue.drifting.list("default", None) == []


async def test_two_looks_at_once_leave_one_of_each(tmp_path: Path) -> None:
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        await live(company, [1.0] * 12 + [0.0] * 9)
        await asyncio.gather(*(company.segue.drifting.look("default", TYPE) for _ in range(4)))
        assert len(await company.segue.drifting.list("default", TYPE)) == 1


async def test_it_is_the_same_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    url = new_database(postgres_url, "drifting")
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS, database_url=url) as company:
        runs = await live(company, [1.0] * 12 + [0.0] * 9)
        await told_after(company.segue, 1)
        assert sorted(set((await heard(company.segue, runs)).values())) == [0.5, 1.0]


async def test_an_unknown_type_is_said_with_the_nearest(tmp_path: Path) -> None:
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        with pytest.raises(NotFound, match=r"Did you mean 'customer\.upset'\?"):
            await company.segue.drifting.list("default", "customer.upsett")
