"""What the page of memory asks for: some episodes, what has changed, what a revocation would touch."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from agent.errors import NotFound
from agent.store import episode_looks, source_lists
from agent.store.episode_looks import Marks
from tests.agent.company import open_company
from tests.agent.pasts import TYPE, Past, open_past
from tests.memory.episodes import episode


async def marks(past: Past) -> Marks:
    """Of the one event type."""
    return await past.place.database.read(lambda found: episode_looks.marks(found, "default", TYPE))


async def test_marks_are_others_when_an_episode_comes_or_other_sources_speak(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        seen = [await marks(past)]
        await past.add(episode(f"{1:026d}", "call", rewards={"satisfaction": 1.0}))
        seen.append(await marks(past))
        assert await marks(past) == seen[-1]
        await past.revoke("chatbot")
        seen.append(await marks(past))
    assert [one.newest for one in seen] == [None, f"{1:026d}", f"{1:026d}"]
    assert seen[1].sources != seen[2].sources


async def test_the_map_leaves_out_what_came_from_revoked_sources(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        await past.add(episode(f"{1:026d}", "call"), episode(f"{2:026d}", "call", source="/evil"))
        await past.revoke("/evil")
        found = await past.place.database.read(lambda one: episode_looks.newest(one, "default", TYPE, 9))
    assert (found.total, [one.id for one in found.episodes]) == (1, [f"{1:026d}"])


async def test_what_a_revocation_touches_is_counted_by_event_type(tmp_path: Path) -> None:
    async with open_past(tmp_path) as past:
        await past.add(*(episode(f"{number:026d}", "call", rewards={"cost": 1.0}) for number in range(3)))
        await past.add(episode(f"{9:026d}", "call", event_type="other"))
        read = past.place.database.read
        names = ("chatbot", "/desk", "/nobody")
        asked = [await read(partial(source_lists.touched, tenant="default", source=name)) for name in names]
    told = [(one["episodes"], one["outcomes"]) for one in asked]
    assert told == [({TYPE: 3, "other": 1}, 0), ({}, 3), ({}, 0)]


async def test_episodes_are_told_in_the_order_asked_for_and_only_those_of_the_tenant(tmp_path: Path) -> None:
    async with open_company(tmp_path, None) as company:
        first = (await company.handle("c-1", id="e-1", message="late"))["id"]
        second = (await company.handle("c-2", id="e-2", message="late"))["id"]
        memories = company.segue.memories
        told = await memories.told("default", [second, "nobody", first, second])
        assert [one["id"] for one in told] == [second, first]
        assert [(one["reward"], one["revoked"], one["tidied"]) for one in told] == [(None, False, None)] * 2
        assert await memories.told("elsewhere", [first]) == []
        with pytest.raises(NotFound, match="nothing ever came from source '/nobody'"):
            await company.segue.sources.touches("default", "/nobody")
        assert (await company.segue.sources.touches("default", "/tests"))["episodes"] == {"customer.upset": 2}
