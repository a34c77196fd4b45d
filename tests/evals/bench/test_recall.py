"""Recall and embedding measured on a small past: what is written is what the product recalls."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from typer.testing import CliRunner

from agent.place import open_memory, open_place
from agent.store import episodes as stored
from api.cli import build_cli
from evals.bench.embed import TOKENS, Batch, embed_marks, texts_of
from evals.bench.filling import fill
from evals.bench.made import ACTIONS, GOALS, KIND, NOW, TENANT, Made, Repeated, merit
from evals.bench.recall import recall_marks
from evals.bench.recalling import Agreement, Looked, best
from memory.crowds import place
from memory.minilm import find_model_files
from memory.tidying import TidySettings
from memory.types import ActionEvidence
from tests.agent.company import embedder, embedding_cache

FEW = 120


def looked(p99_ms: float, agreement: Agreement | None = None) -> Looked:
    """Recalls that all took so long."""
    took = [p99_ms] * 10
    return Looked(
        recall=took,
        embedding=took,
        searching=took,
        weighing=took,
        processor={"recall": took},
        ahead_s=1.0,
        first_ms=1.0,
        resident_mb=1.0,
        agreement=agreement,
    )


def test_the_same_number_makes_the_same_episode_and_most_have_a_reward() -> None:
    made, again = Made(FEW, 50), Made(FEW, 50)
    past = [made.episode(number) for number in range(FEW)]
    assert past == [again.episode(number) for number in range(FEW)]
    assert [one.id for one in past] == sorted({one.id for one in past})
    assert 0.7 < sum(bool(one.rewards) for one in past) / FEW < 0.9
    assert {one.text for one in past} <= set(made.texts)
    assert made.situation(0)[0] not in made.texts


async def test_what_was_filled_is_what_the_product_recalls(tmp_path: Path) -> None:
    made, told = Made(FEW, 30), [0]
    await fill(made, tmp_path / "data", embedding_cache(), lambda _, done: told.append(done))
    assert sum(told) == len(made.texts) + 2 * FEW
    async with AsyncExitStack() as stack:
        place = await open_place(stack, tmp_path / "data", None, None)
        page = await place.database.read(lambda connection: stored.page(connection, TENANT, "", FEW))
        assert list(page) == [made.episode(number) for number in range(FEW)]
        memory = await open_memory(stack, place, embedder(), lambda: NOW)
        text, features = made.situation(0)
        near = await memory.near(tenant=TENANT, event_type=KIND, text=text)
        found = await memory.recall(tenant=TENANT, event_type=KIND, text=text, features=features, goals=GOALS)
    assert len(near) == FEW
    assert set(found) <= set(ACTIONS)
    assert sum(one.success + one.failure for one in found.values()) > 0


def test_each_mark_stands_for_its_number_of_episodes() -> None:
    few, many, same = recall_marks(10_000, looked(16.0))
    assert (few.state, few.measured) == ("failed", 16.0)
    assert (many.state, many.why) == ("skipped", "measured with 10,000 episodes")
    assert (same.state, same.why) == ("skipped", "up to 20,000 episodes all are searched")
    _, many, same = recall_marks(200_000, looked(39.0, Agreement(found=0.9, decisions=0.985)))
    assert (many.state, same.state) == ("passed", "failed")


def test_the_best_action_is_the_one_whose_evidence_is_best() -> None:
    good, bad = (
        ActionEvidence(action=action, success=success, failure=failure, episodes=())
        for action, success, failure in ((ACTIONS[2], 3.0, 0.0), (ACTIONS[0], 0.0, 3.0))
    )
    assert best({one.action: one for one in (good, bad)}) == ACTIONS[2]


def test_texts_to_embed_have_30_tokens_and_none_comes_twice() -> None:
    tokenizer = Tokenizer.from_file(str(find_model_files().tokenizer))
    tokenizer.no_padding()
    made = texts_of(TOKENS)
    texts = [next(made) for _ in range(100)]
    assert {len(tokenizer.encode(text).ids) for text in texts} == {TOKENS}
    assert len(set(texts)) == 100


def test_a_text_alone_is_what_the_mark_is_about() -> None:
    (mark,) = embed_marks(Batch(size=1, took_ms=[4.0, 5.5, 6.0], processor_ms=5.0))
    assert (mark.state, mark.measured) == ("failed", 5.5)


@pytest.mark.slow
def test_recall_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    options = ["--episodes", "200", "--queries", "10", "--compared", "5", "--keep", str(tmp_path)]
    told = CliRunner().invoke(build_cli(), ["bench", "recall", *options, "--json"])
    assert told.exit_code == 0, told.output
    rows = {row["what"]: row for row in json.loads(told.stdout)["rows"]}
    assert rows["recall, embedding included, ms"]["of"] == 10
    assert rows["index on disk, MB"]["value"] > 0
    again = CliRunner().invoke(build_cli(), ["bench", "recall", *options])
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


@pytest.mark.slow
def test_embedding_is_measured_alone_and_among_others() -> None:
    told = CliRunner().invoke(build_cli(), ["bench", "embed", "--texts", "32", "--json"])
    assert told.exit_code in (0, 1), told.output
    rows = json.loads(told.stdout)["rows"]
    assert [(row["texts at a time"], row["batches"]) for row in rows] == [(1, 32), (8, 4), (32, 1)]
    assert rows[0]["x alone"] == 1.0


def test_a_past_that_repeats_itself_has_crowds_and_its_machines_keep_their_features() -> None:
    made = Repeated(600, 20)
    past = [made.episode(number) for number in range(600)]
    assert past == [Repeated(600, 20).episode(number) for number in range(600)]
    texts = Counter(one.text for one in past)
    assert texts[made.texts[0]] > 3 * texts[made.texts[9]]
    assert len({(one.text, one.source, one.features["family"], one.features["region"]) for one in past}) == len(texts)
    assert max(Counter(place(one) for one in past).values()) >= TidySettings().least
    text, features = made.situation(1)
    assert text in texts
    assert sorted(merit(features, action) for action in ACTIONS) == pytest.approx([part / 6 for part in range(1, 7)])


def test_tidying_is_measured_and_told(tmp_path: Path) -> None:
    few = ("bench", "tidy", "--episodes", "300", "--texts", "5", "--compared", "10", "--json")
    result = CliRunner().invoke(build_cli(), few, env={"SEGUE_CACHE": str(embedding_cache())})
    told = json.loads(result.stdout)
    rows = {one["what"]: one["value"] for one in told["rows"]}
    assert rows["episodes the index held before"] == 300
    assert rows["episodes it holds after"] < 200
    assert [mark["state"] for mark in told["marks"]] == ["passed", "passed"]
