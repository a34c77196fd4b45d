"""What was remembered and not flushed yet: found at once, written in batches, never lost or doubled. Real Chroma."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from memory import recall
from memory.embedding import Embedder
from memory.index import EpisodeIndex
from memory.recall import Memory, MemoryUnavailable
from memory.settings import Settings
from memory.types import Episode
from tests.memory.episodes import NOW, episode

PROBLEMS = ("late parcel", "broken zipper", "wrong size", "double charge", "lost password")


class Known:
    """The store's part: every episode there is."""

    def __init__(self, count: int) -> None:
        self.episodes = [
            episode(
                f"r{number:03}",
                ("pause", "call")[number % 2],
                rewards={"satisfaction": number % 7 / 7},
                text=f"The customer complains about a {PROBLEMS[number % 5]}.",
                event_type=("support.failed", "complaint")[number % 3 == 0],
            )
            for number in range(count)
        ]

    async def fetch(self, tenant: str, ids: Sequence[str]) -> Sequence[Episode]:
        return [one for one in self.episodes if one.id in ids]


@pytest.fixture
def known() -> Known:
    return Known(60)


@pytest.fixture
def memory(embedder: Embedder, index: EpisodeIndex, known: Known) -> Memory:
    return Memory(embedder=embedder, index=index, fetch=known.fetch, settings=Settings(), clock=lambda: NOW)


async def _found(memory: Memory, *, event_type: str = "support.failed", k: int = 1000) -> dict[str, float]:
    found = await memory.search(tenant="default", event_type=event_type, text="A late parcel!", k=k)
    assert len({one for one, _ in found}) == len(found)
    assert [round(similarity, 5) for _, similarity in found] == sorted((round(s, 5) for _, s in found), reverse=True)
    return dict(found)


async def test_an_episode_is_found_at_once_and_the_index_is_not_written(
    memory: Memory, index: EpisodeIndex, known: Known
) -> None:
    one = known.episodes[1]
    await memory.remember(one)
    ((found, similarity),) = await memory.search(tenant="default", event_type="support.failed", text=one.text, k=5)
    assert found == one.id
    assert similarity == pytest.approx(1, abs=1e-6)
    assert memory.tail_size == 1
    assert await index.count("default", "support.failed") == 0
    assert await _found(memory, k=0) == {}
    assert await _found(memory, event_type="order.late") == {}


async def test_a_flush_names_what_the_index_holds_now_and_changes_no_answer(
    memory: Memory, index: EpisodeIndex, known: Known
) -> None:
    for one in known.episodes:
        await memory.remember(one)
    before = await _found(memory, k=10)
    evidence = await memory.recall(
        tenant="default", event_type="complaint", text="late", features={}, goals={"satisfaction": 1.0}
    )
    assert sorted(await memory.flush()) == [one.id for one in known.episodes]
    assert memory.tail_size == 0
    assert await index.count("default", "support.failed") + await index.count("default", "complaint") == 60
    after = await _found(memory, k=10)
    assert list(after) == list(before)
    assert list(after.values()) == pytest.approx(list(before.values()), abs=1e-5)
    again = await memory.recall(
        tenant="default", event_type="complaint", text="late", features={}, goals={"satisfaction": 1.0}
    )
    assert {action: said.episodes for action, said in again.items()} == {
        action: said.episodes for action, said in evidence.items()
    }
    assert await memory.flush() == ()


async def test_tail_and_index_answer_together_with_ties_by_the_greatest_id(memory: Memory) -> None:
    for number in (0, 2, 4, 6):
        await memory.remember(episode(f"r{number}"))
    await memory.flush()
    for number in (1, 3, 5):
        await memory.remember(episode(f"r{number}"))
    assert list(await _found(memory)) == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]
    assert list(await _found(memory, k=4)) == ["r6", "r5", "r4", "r3"]


async def test_an_episode_known_to_tail_and_index_is_answered_and_counted_once(
    memory: Memory, index: EpisodeIndex
) -> None:
    for _ in range(2):
        for _ in range(2):
            await memory.remember(episode("r1"))
        assert memory.tail_size == 1
        assert list(await _found(memory)) == ["r1"]
        assert await memory.flush() == ("r1",)
    assert await index.count("default", "support.failed") == 1


async def test_an_episode_that_changes_while_it_is_flushed_is_flushed_again(
    memory: Memory, index: EpisodeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, changed = index.add, episode("r1", text="A late parcel!")

    async def meanwhile(tenant: str, event_type: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        await add(tenant, event_type, ids, vectors)
        await memory.remember(changed)

    await memory.remember(episode("r1"))
    monkeypatch.setattr(index, "add", meanwhile)
    assert await memory.flush() == ()
    monkeypatch.undo()
    assert await memory.flush() == ("r1",)
    assert (await _found(memory))["r1"] == pytest.approx(1, abs=1e-5)


async def test_remembering_searching_and_flushing_at_once_loses_and_doubles_nothing(
    memory: Memory, index: EpisodeIndex, known: Known
) -> None:
    flushed: list[str] = []

    async def remember(one: Episode) -> None:
        await memory.remember(one)
        assert one.id in await _found(memory, event_type=one.event_type)

    async def flush() -> None:
        flushed.extend(await memory.flush())

    for start in range(0, 60, 10):
        await asyncio.gather(*map(remember, known.episodes[start : start + 10]), flush(), flush())
    await flush()
    assert sorted(flushed) == [one.id for one in known.episodes]
    assert memory.tail_size == 0
    found = {**await _found(memory), **await _found(memory, event_type="complaint")}
    assert sorted(found) == sorted(flushed)
    assert await index.count("default", "support.failed") + await index.count("default", "complaint") == 60


async def test_a_failing_flush_keeps_the_tail_until_the_index_is_back(
    embedder: Embedder, tmp_path: Path, known: Known
) -> None:
    index = await EpisodeIndex.open(tmp_path / "index")
    memory = Memory(embedder=embedder, index=index, fetch=known.fetch, settings=Settings(), clock=lambda: NOW)
    await memory.remember(episode("r1"))
    (tmp_path / "index").rename(tmp_path / "away")
    with pytest.raises(MemoryUnavailable, match="1 episodes are not indexed") as caught:
        await memory.flush()
    assert caught.value.__cause__ is not None
    await memory.remember(episode("r2"))
    assert memory.tail_size == 2
    with pytest.raises(MemoryUnavailable, match="recalled"):
        await _found(memory)
    (tmp_path / "away").rename(tmp_path / "index")
    assert sorted(await _found(memory)) == ["r1", "r2"]
    assert await memory.flush() == ("r1", "r2")
    await index.aclose()


async def test_a_kind_that_cannot_be_written_does_not_hold_up_the_others(memory: Memory) -> None:
    broken = "\ud800"  # Chroma takes no id that is not valid Unicode
    await memory.remember(episode(broken, event_type="complaint"))
    await memory.remember(episode("r1"))
    assert await memory.flush() == ("r1",)
    assert list(await _found(memory, event_type="complaint")) == [broken]
    with pytest.raises(MemoryUnavailable):
        await memory.flush()
    assert memory.tail_size == 1


async def test_a_full_tail_refuses_new_episodes_until_it_is_flushed(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall, "TAIL_LIMIT", 2)
    await memory.remember(episode("r1"))
    await memory.remember(episode("r2"))
    await memory.remember(episode("r1"))
    with pytest.raises(MemoryUnavailable, match="2 wait"):
        await memory.remember(episode("r3"))
    await memory.flush()
    await memory.remember(episode("r3"))
    assert memory.tail_size == 1


async def test_a_rebuild_empties_the_tail_and_gives_the_same_answers(
    memory: Memory, index: EpisodeIndex, known: Known
) -> None:
    for one in known.episodes[:30]:
        await memory.remember(one)
    await memory.flush()
    for one in known.episodes[30:]:
        await memory.remember(one)
    before = await _found(memory)
    assert await memory.rebuild(known.episodes) == 60
    assert memory.tail_size == 0
    after = await _found(memory)
    assert list(after) == list(before)
    assert np.allclose(list(after.values()), list(before.values()), atol=1e-5)
    assert await memory.rebuild([]) == 0
    assert await _found(memory) == {}
    await memory.remember(known.episodes[1])
    assert await memory.flush() == ("r001",)
    assert await index.count("default", "support.failed") == 1
