"""Memory as a whole: remember, recall, rebuild; real embedder, real Chroma, a store that is a dictionary."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from memory.embedding import Embedder
from memory.episodes import EpisodeError
from memory.index import EpisodeIndex
from memory.recall import Memory, MemoryUnavailable
from memory.scoring import score
from memory.settings import Settings
from memory.types import Episode
from tests.memory.episodes import NOW, episode

SETTINGS = Settings()
GOALS = {"satisfaction": 1.0}


class Store:
    """The store's part in these tests: episodes by tenant and id, with the rewards known by now."""

    def __init__(self, episodes: Iterable[Episode] = ()) -> None:
        self.rows = {(one.tenant, one.id): one for one in episodes}

    async def fetch(self, tenant: str, ids: Sequence[str]) -> Sequence[Episode]:
        return [self.rows[tenant, one] for one in ids if (tenant, one) in self.rows]

    def put(self, one: Episode) -> None:
        self.rows[one.tenant, one.id] = one


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def memory(embedder: Embedder, index: EpisodeIndex, store: Store) -> Memory:
    return Memory(embedder=embedder, index=index, fetch=store.fetch, settings=SETTINGS, clock=lambda: NOW)


async def _remember(memory: Memory, store: Store, one: Episode) -> None:
    store.put(one)
    await memory.remember(one)


async def test_a_paraphrase_recalls_what_was_done_and_how_it_turned_out(memory: Memory, store: Store) -> None:
    done = episode("r1", "pause", rewards={"satisfaction": 1.0}, text="I want to send my shoes back.")
    await _remember(memory, store, done)
    await _remember(memory, store, episode("r2", "order", rewards={"satisfaction": 1.0}, text="A pump overheats."))
    said = await memory.recall(
        tenant="default", event_type="support.failed", text="How do I return my shoes?", features={}, goals=GOALS
    )
    assert list(said) == ["pause"]
    assert said["pause"].episodes == ("r1",)
    assert 0 < said["pause"].success < SETTINGS.weight


async def test_a_late_outcome_speaks_without_touching_the_index(memory: Memory, store: Store) -> None:
    one = episode("r1", "pause")
    await _remember(memory, store, one)
    ask = {"tenant": "default", "event_type": "support.failed", "text": one.text}
    assert await memory.recall(**ask, features={}, goals=GOALS) == {}
    store.put(replace(one, rewards={"satisfaction": 0.0}))
    said = await memory.recall(**ask, features={}, goals=GOALS)
    assert said["pause"].failure == pytest.approx(SETTINGS.weight, rel=1e-3)


async def test_remembering_again_changes_nothing(memory: Memory, store: Store) -> None:
    one = episode("r1", "pause", rewards={"satisfaction": 1.0})
    for _ in range(2):
        await _remember(memory, store, one)
    ((found, similarity),) = await memory.search(tenant="default", event_type="support.failed", text=one.text, k=5)
    assert found == "r1"
    assert similarity == pytest.approx(1, abs=1e-5)


async def test_memory_of_one_tenant_says_nothing_to_another(memory: Memory, store: Store) -> None:
    await _remember(memory, store, episode("r1", "pause", rewards={"satisfaction": 1.0}))
    for tenant, event_type in (("rival", "support.failed"), ("default", "order.late")):
        text = "The customer left angry."
        assert await memory.recall(tenant=tenant, event_type=event_type, text=text, features={}, goals=GOALS) == {}


async def test_a_bad_episode_is_refused_and_a_spoiled_row_is_left_out(
    memory: Memory, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EpisodeError, match="trust is 7"):
        await memory.remember(episode("r0", "pause", trust=7))
    one = episode("r1", "pause", rewards={"satisfaction": 1.0})
    await _remember(memory, store, one)
    store.put(replace(one, rewards={"satisfaction": float("nan")}))
    ask = {"tenant": "default", "event_type": "support.failed", "text": one.text}
    assert await memory.recall(**ask, features={}, goals=GOALS) == {}
    assert "reward for goal 'satisfaction' is nan" in caplog.text


async def test_decisions_after_a_rebuild_are_identical(memory: Memory, store: Store) -> None:
    chance = random.Random(7)
    problems = ("late parcel", "broken zipper", "wrong size", "double charge", "lost password")
    for number in range(100):
        made = episode(
            f"r{number:03}",
            chance.choice(["pause", "call", "refund"]),
            rewards={"satisfaction": chance.random()} if chance.random() < 0.7 else {},
            text=f"The customer complains about a {chance.choice(problems)}.",
            features={"tier": chance.choice(["gold", "basic"])},
            event_type=chance.choice(["support.failed", "complaint"]),
            age_days=chance.uniform(0, 200),
        )
        await _remember(memory, store, made)

    async def decisions() -> list[object]:
        return [
            await memory.recall(
                tenant="default", event_type=kind, text=f"A {problem}, again!", features={"tier": "gold"}, goals=GOALS
            )
            for problem in problems
            for kind in ("support.failed", "complaint")
        ]

    async def rows() -> AsyncIterator[Episode]:
        for one in store.rows.values():
            yield one

    assert len(await memory.flush()) == 100
    before = await decisions()
    assert await memory.rebuild(rows()) == 100
    assert await decisions() == before
    assert any(before)
    assert await memory.rebuild(reversed(store.rows.values())) == 100
    assert await decisions() == before


async def test_a_rebuild_tells_its_progress_and_leaves_nothing_of_before(memory: Memory, index: EpisodeIndex) -> None:
    steps: list[int] = []
    await memory.remember(episode("r1", "pause", event_type="complaint"))
    await memory.flush()
    await memory.remember(episode("r2", "pause", event_type="complaint"))
    assert await memory.rebuild((episode(f"r{number}", "call") for number in range(300)), steps.append) == 300
    assert steps == [256, 300]
    assert await index.count("default", "support.failed") == 300
    assert await index.count("default", "complaint") == 0
    assert memory.tail_size == 0


async def test_a_lost_index_is_a_named_error_with_its_cause(embedder: Embedder, tmp_path: Path, store: Store) -> None:
    index = await EpisodeIndex.open(tmp_path / "lost")
    memory = Memory(embedder=embedder, index=index, fetch=store.fetch, settings=SETTINGS, clock=lambda: NOW)
    await _remember(memory, store, episode("r1", "pause"))
    shutil.rmtree(tmp_path / "lost")
    ask = {"tenant": "default", "event_type": "support.failed", "text": "angry"}
    with pytest.raises(MemoryUnavailable, match="deleted or replaced") as caught:
        await memory.recall(**ask, features={}, goals=GOALS)
    assert caught.value.__cause__ is not None
    with pytest.raises(MemoryUnavailable, match="not indexed"):
        await memory.flush()
    with pytest.raises(MemoryUnavailable, match="after 0 episodes"):
        await memory.rebuild(store.rows.values())
    await index.aclose()


async def test_one_text_is_compared_with_many_descriptions(memory: Memory) -> None:
    tools = {
        "pause": "Stops all marketing campaigns to a customer.",
        "stock": "Reads how many spare parts are in stock.",
    }
    cosines = await memory.similarities("stop marketing to the customer", tools)
    assert cosines.keys() == tools.keys()
    assert cosines["pause"] > 0.5 > cosines["stock"]
    assert await memory.similarities("anything", {}) == {}


async def test_two_actions_alike_in_prior_are_told_apart_by_category_after_thirty_outcomes(
    memory: Memory, store: Store
) -> None:
    """Calling back helps business customers, a voucher helps private ones; the texts do not say which is which."""
    chance = random.Random(1)
    complaints = ("My parcel is late.", "The parcel has not come.", "I am still waiting for my parcel.")
    right = {"business": "call_back", "private": "send_voucher"}
    for number in range(30):
        segment, action = chance.choice(list(right)), chance.choice(list(right.values()))
        reward = chance.uniform(0.7, 1) if right[segment] == action else chance.uniform(0, 0.3)
        made = episode(
            f"r{number:02}",
            action,
            rewards={"satisfaction": reward},
            features={"segment": segment, "items": chance.randint(1, 4)},
            text=chance.choice(complaints),
        )
        await _remember(memory, store, made)
    for segment, expected in right.items():
        said = await memory.recall(
            tenant="default",
            event_type="support.failed",
            text="Where is my parcel?",
            features={"segment": segment, "items": 2},
            goals=GOALS,
        )
        scores = {action: score(0.5, said.get(action), SETTINGS) for action in right.values()}
        assert max(scores, key=lambda action: scores[action]) == expected
        assert max(scores.values()) - min(scores.values()) > 0.2
