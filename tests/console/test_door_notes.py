"""Refused keys are counted, and told in few lines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from agent.activity import Activity
from agent.store.activity import ActivityFilter
from api.access import Caller
from api.console.door_notes import NOBODY, DoorNotes
from tests.agent.letters import store

NOW = datetime(2026, 11, 27, tzinfo=UTC)


async def told(activity: Activity, tenant: str) -> list[tuple[str, str, object]]:
    """Who was told of what, oldest first."""
    found = (await activity.page(tenant, ActivityFilter(), None, 99)).items[::-1]
    return [(one["who"], one["act"], one["detail"].get("times")) for one in found]


async def test_a_thousand_refused_keys_are_two_lines_and_none_is_lost(tmp_path: Path) -> None:
    async with store(f"sqlite:///{tmp_path / 'segue.sqlite'}") as database:
        activity = Activity(database, lambda: NOW)
        notes = DoorNotes(activity, every_s=0.2)
        await asyncio.gather(*(notes.refused(["a", "b"]) for _ in range(999)))
        await notes.refused(["a"], "shop")
        assert await told(activity, "a") == [(NOBODY, "key_refused", 1), ("shop", "key_refused", 1)]
        while len(await told(activity, "b")) < 2:
            await asyncio.sleep(0.01)
        assert await told(activity, "b") == [(NOBODY, "key_refused", 1), (NOBODY, "key_refused", 998)]
        await notes.refused(["b"])
        assert (await told(activity, "b"))[2:] == [(NOBODY, "key_refused", 1)]


async def test_who_signs_in_and_out_is_told_to_their_tenant(tmp_path: Path) -> None:
    olga = Caller(name="olga", tenant="a", scopes=frozenset({"read"}))
    async with store(f"sqlite:///{tmp_path / 'segue.sqlite'}") as database:
        activity = Activity(database, lambda: NOW)
        notes = DoorNotes(activity)
        await notes.signed_in(olga)
        await notes.signed_out(olga)
        assert await told(activity, "a") == [("olga", "signed_in", None), ("olga", "signed_out", None)]
        assert await told(activity, "b") == []
