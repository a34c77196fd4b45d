"""Housekeeping beside the rest of the house: what is used, what did harm, and where the texts of members lie."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, insert, select

from agent import tidying, whereabouts
from agent.mapping import draw
from agent.store import crowd_marks, crowds, tidy
from agent.store.tables import calls, decisions, effects
from agent.store.tables import crowds as rows
from memory.scoring import scores
from memory.settings import Settings
from memory.tidying import TidySettings
from memory.types import Episode
from tests.agent.conftest import new_database
from tests.agent.pasts import GOALS, TYPE, Past, open_past
from tests.agent.test_tidying import ASKED, PRIORS, ROUNDING, assert_same, past, twins
from tests.memory.episodes import NOW, episode


async def followed(one: Past, advice: Episode, runs: int, reward: float, action: str = "call") -> None:
    """So many later runs took the action when the episode was evidence about it, and ended so."""
    told = [
        episode(f"{advice.id}-{action}-{reward}-{n}", action, rewards={"satisfaction": reward}, text=f"{n}", age_days=5)
        for n in range(runs)
    ]
    await one.add(*told)

    def write(connection: Connection) -> None:
        evidence = {"call": {"success": 1.0, "failure": 0.0, "surprise": 0.0, "episodes": [advice.id]}}
        for run in told:
            made = {"run": run.id, "decided_by": "planner"}
            row = {"number": 1, "kind": "act", "reason": "", "candidates": [], "evidence": evidence}
            connection.execute(insert(decisions).values(**made, **row, decided_at=NOW))
            row = {"decision": 1, "position": 0, "tool": action, "arguments": {}}
            call = {"action": action, "propensity": 1.0, "verdict": "permitted"}
            connection.execute(insert(calls).values(**made, **row, **call))
            effect = {"key": f"{run.id}:1:0", "tenant": "default", "subject": run.subject, "state": "done"}
            connection.execute(insert(effects).values(run=run.id, **row, **effect, attempts=1, started_at=NOW))

    await one.place.database.write(write)


async def test_what_did_harm_is_forgotten_and_says_by_what(tmp_path: Path) -> None:
    async with open_past(tmp_path) as one:
        bad, good, warns = (
            episode(name, "call", rewards={"satisfaction": reward}, text=name, age_days=9)
            for name, reward in (("bad", 1.0), ("good", 1.0), ("warns", 0.0))
        )
        await one.add(bad, good, warns)
        await followed(one, bad, 22, 0.1)
        await followed(one, bad, 2, 0.9)
        await followed(one, good, 30, 0.9)
        # Runs that did not follow it, and ended badly: it was right.
        await followed(one, warns, 22, 0.1)
        assert (await one.tidying.preview("default", TYPE, 60.0)).harmful == 1
        assert (await one.tidy()).harmful == 1
        (note,) = (await one.place.database.read(lambda c: tidy.notes(c, ["bad", "good", "warns"]))).values()
        assert note["state"] == "harmful"
        assert str(note["why"]).startswith("of 24 graded runs that followed it 22 went badly, of all 58%; by chance")
        near = await one.memory.near(tenant="default", event_type=TYPE, text="bad")
        assert "bad" not in near
        assert await one.place.database.write(lambda c: tidy.keep(c, "default", "bad", "ann"))
        await one.remembering.index_now(10.0)
        assert (await one.tidy()).harmful == 0


async def test_what_was_evidence_lately_is_not_unused(tmp_path: Path) -> None:
    async with open_past(tmp_path, TidySettings(most_indexed=3)) as one:
        old = [episode(f"old-{number}", "pause", text=f"old {number}", age_days=90 - number) for number in range(4)]
        await one.add(*old)
        await followed(one, old[0], 2, 0.9)
        assert (await one.tidy()).unused == 3
        assert set(await one.place.database.read(lambda c: tidy.notes(c, [each.id for each in old]))) == {
            "old-1",
            "old-2",
            "old-3",
        }


async def test_texts_of_members_lie_where_they_did(tmp_path: Path) -> None:
    async with twins(tmp_path) as (tidied, kept):
        names = [one.id for one in past()]
        for one in (tidied, kept):
            await one.add(episode("forgotten", "call", text="An old text.", age_days=900))
        assert (await tidied.tidy()).old == 1
        mine, theirs = [
            await whereabouts.vectors(
                one.place.database, one.memory, tenant="default", event_type=TYPE, ids=[*names, "forgotten", "nobody"]
            )
            for one in (tidied, kept)
        ]
        assert mine.keys() == theirs.keys() == {*names, "forgotten"}
        assert all(np.allclose(mine[name], theirs[name], atol=1e-6) for name in mine)
        near = await whereabouts.closeness(
            tidied.place.database, tidied.memory, tenant="default", event_type=TYPE, text=ASKED[2], ids=["00-call"]
        )
        assert near["00-call"] == pytest.approx(1.0, abs=1e-5)
        drawn = await draw(tidied.place.database, tidied.memory, GOALS, tenant="default", event_type=TYPE, limit=100)
        assert (len(drawn["points"]), drawn["not_indexed"]) == (31, 0)


async def test_it_goes_the_same_way_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    url = new_database(postgres_url, "tidied")
    async with open_past(tmp_path / "pg", database_url=url) as tidied, open_past(tmp_path / "kept") as kept:
        for one in (tidied, kept):
            await one.add(*past())
        assert (await tidied.tidy()).members == 27
        await assert_same(tidied, kept)
        for one in (tidied, kept):
            await one.grade(past()[0], {"satisfaction": 1.0}, "/liar")
        await assert_same(tidied, kept)
        for one in (tidied, kept):
            await one.revoke("/liar")
        await assert_same(tidied, kept)
        assert (await tidied.tidy()).members == 0
        await assert_same(tidied, kept)


async def test_asked_for_twice_at_once_it_is_done_once(tmp_path: Path) -> None:
    async with open_past(tmp_path) as one:
        await one.add(*past())
        await asyncio.gather(*(one.tidy() for _ in range(3)))
        assert await one.indexed() == 3


async def test_in_the_background_it_is_tidied_and_crowds_are_told_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "RETELL_S", 0.01)
    monkeypatch.setattr(tidying, "FIRST_S", 0.0)
    async with open_past(tmp_path) as one:
        await one.add(*past())
        await one.tidying.open()
        async with asyncio.timeout(30):
            while await one.indexed() > 3:
                await asyncio.sleep(0.02)
            await one.grade(past()[0], {"satisfaction": 1.0})
            while await one.place.database.read(lambda connection: crowds.stale(connection, 9)):
                await asyncio.sleep(0.02)
        await one.tidying.aclose()
        said = await one.recall(ASKED[0], {"tier": "gold"})
        assert scores(PRIORS, said, Settings()) == pytest.approx(await _anew(one), abs=ROUNDING)


async def _anew(one: Past) -> dict[str, float]:
    """The scores where what crowds say is worked out from their members."""
    voices = await one.place.database.read(lambda c: c.execute(select(rows.c.voice)).scalars().all())
    await one.place.database.write(lambda c: crowd_marks.changed(c, list(voices)))
    said = await one.recall(ASKED[0], {"tier": "gold"})
    return dict(scores(PRIORS, said, Settings()))
