"""The index over real Chroma: what it finds, who owns it, and how it fails."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.chroma import IndexLocked, IndexUnavailable
from memory.index import EXACT, EpisodeIndex


@pytest.fixture(params=[EXACT, 0], ids=["in memory", "by Chroma"], autouse=True)
def exact(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every claim holds however the index searches."""
    monkeypatch.setattr("memory.index.EXACT", request.param)


def _vectors(count: int, seed: int = 0) -> NDArray[np.float32]:
    raw = np.random.default_rng(seed).normal(size=(count, 384)).astype(np.float32)
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))


def _spoil(folder: Path) -> None:
    for file in folder.rglob("*.bin"):
        file.write_bytes(b"\xff" * file.stat().st_size)


async def test_the_nearest_come_first_with_their_exact_cosines(index: EpisodeIndex) -> None:
    vectors = _vectors(50)
    await index.add("acme", "order.late", [f"e{number:02}" for number in range(50)], vectors)
    query = _vectors(1, seed=1)[0]
    found = await index.query("acme", "order.late", query, 10)
    cosines = vectors @ query
    expected = [f"e{number:02}" for number in np.argsort(-cosines)[:10]]
    assert [one for one, _ in found] == expected
    assert [similarity for _, similarity in found] == pytest.approx(sorted(cosines, reverse=True)[:10], abs=1e-5)


async def test_equally_near_episodes_come_with_the_greatest_id_first(index: EpisodeIndex) -> None:
    same = np.repeat(_vectors(1), 2000, axis=0)
    await index.add("acme", "order.late", [f"e{number:04}" for number in range(2000)], same)
    found = await index.query("acme", "order.late", same[0], 3)
    assert [one for one, _ in found] == ["e1999", "e1998", "e1997"]
    assert len(await index.query("acme", "order.late", same[0], 2000)) == 2000


async def test_adding_again_replaces_and_removing_forgets(index: EpisodeIndex) -> None:
    first, second = _vectors(2)
    await index.add("acme", "order.late", ["e1"], first[np.newaxis])
    await index.add("acme", "order.late", ["e1", "e1"], np.stack([first, second]))
    assert await index.count("acme", "order.late") == 1
    ((_, similarity),) = await index.query("acme", "order.late", second, 5)
    assert similarity == pytest.approx(1, abs=1e-5)
    await index.remove("acme", "order.late", ["e1", "never there"])
    await index.remove("acme", "nothing.here", ["e1"])
    assert await index.query("acme", "order.late", second, 5) == ()


async def test_queries_between_writes_see_every_size_the_index_has_had(index: EpisodeIndex) -> None:
    vectors = _vectors(30)
    for number in range(30):
        found = await index.query("acme", "order.late", vectors[0], 100)
        assert len(found) == await index.count("acme", "order.late") == number
        await index.add("acme", "order.late", [f"e{number}"], vectors[number : number + 1])
    await index.remove("acme", "order.late", ["e0", "e7"])
    assert len(await index.query("acme", "order.late", vectors[0], 100)) == 28
    await index.clear()
    assert await index.query("acme", "order.late", vectors[0], 100) == ()


async def test_tenants_and_event_types_never_see_each_other_whatever_their_names(index: EpisodeIndex) -> None:
    pairs = [("a", "b.c"), ("a.b", "c"), ("A", "b.c"), ("../x", "y"), ("", "a"), ("ü" * 400, "\ud800"), ("a", "b,c")]
    for number, (tenant, event_type) in enumerate(pairs):
        await index.add(tenant, event_type, [f"e{number}"], _vectors(1))
    for number, (tenant, event_type) in enumerate(pairs):
        found = await index.query(tenant, event_type, _vectors(1)[0], 10)
        assert [one for one, _ in found] == [f"e{number}"]


async def test_an_unknown_collection_is_empty_and_clear_empties_all(index: EpisodeIndex) -> None:
    assert await index.query("acme", "never", _vectors(1)[0], 5) == ()
    assert await index.count("acme", "never") == 0
    await index.add("acme", "order.late", ["e1"], _vectors(1))
    assert await index.query("acme", "order.late", _vectors(1)[0], 0) == ()
    await index.clear()
    assert await index.count("acme", "order.late") == 0
    await index.add("acme", "order.late", ["e2"], _vectors(1))
    assert await index.count("acme", "order.late") == 1


async def test_vectors_that_do_not_fit_their_ids_are_refused(index: EpisodeIndex) -> None:
    with pytest.raises(ValueError, match="for 2 ids"):
        await index.add("acme", "order.late", ["e1", "e2"], _vectors(1))
    with pytest.raises(ValueError, match="finite"):
        await index.add("acme", "order.late", ["e1"], np.full((1, 384), np.nan, np.float32))


async def test_a_closed_index_can_be_opened_again_and_still_knows_everything(tmp_path: Path) -> None:
    for number in range(3):
        index = await EpisodeIndex.open(tmp_path)
        assert await index.count("acme", "order.late") == number
        await index.add("acme", "order.late", [f"e{number}"], _vectors(1, seed=number))
        await index.aclose()
        await index.aclose()
        with pytest.raises(IndexUnavailable, match="closed"):
            await index.count("acme", "order.late")


async def test_a_folder_has_one_owner_and_the_error_names_its_process(tmp_path: Path) -> None:
    index = await EpisodeIndex.open(tmp_path)
    with pytest.raises(IndexLocked, match=f"process {os.getpid()}"):
        await EpisodeIndex.open(tmp_path)
    program = (
        "import asyncio, pathlib, sys; from memory.chroma import IndexLocked; from memory.index import EpisodeIndex\n"
        "try: asyncio.run(EpisodeIndex.open(pathlib.Path(sys.argv[1])))\n"
        "except IndexLocked as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    answer = await asyncio.to_thread(subprocess.check_output, command, text=True)
    assert f"process {os.getpid()}" in answer
    await index.aclose()
    await (await EpisodeIndex.open(tmp_path)).aclose()


async def test_a_deleted_folder_is_noticed_at_the_next_call(tmp_path: Path) -> None:
    index = await EpisodeIndex.open(tmp_path / "index")
    await index.add("acme", "order.late", ["e1"], _vectors(1))
    shutil.rmtree(tmp_path / "index")
    with pytest.raises(IndexUnavailable, match="deleted or replaced"):
        await index.query("acme", "order.late", _vectors(1)[0], 5)
    with pytest.raises(IndexUnavailable, match="deleted or replaced"):
        await index.add("acme", "order.late", ["e2"], _vectors(1))
    await index.aclose()


async def test_a_damaged_index_is_a_named_error_until_it_is_discarded(tmp_path: Path) -> None:
    (tmp_path / "chroma.sqlite3").write_bytes(b"not a database " * 1000)
    (tmp_path / "notes.txt").write_text("not Chroma's")
    for _ in range(3):
        with pytest.raises(IndexUnavailable, match="segue memory rebuild"):
            await EpisodeIndex.open(tmp_path)
    index = await EpisodeIndex.open(tmp_path, discard=True)
    await index.add("acme", "order.late", ["e1"], _vectors(1))
    assert await index.count("acme", "order.late") == 1
    await index.aclose()
    assert (tmp_path / "notes.txt").exists()


async def test_damaged_graph_files_are_a_named_error(tmp_path: Path) -> None:
    index = await EpisodeIndex.open(tmp_path)
    await index.add("acme", "order.late", [f"e{number}" for number in range(1500)], _vectors(1500))
    await index.aclose()
    _spoil(tmp_path)
    index = await EpisodeIndex.open(tmp_path)
    with pytest.raises(IndexUnavailable, match="failed"):
        await index.query("acme", "order.late", _vectors(1)[0], 5)
    await index.clear()
    await index.add("acme", "order.late", ["e1"], _vectors(1))
    assert len(await index.query("acme", "order.late", _vectors(1)[0], 5)) == 1
    await index.aclose()


async def test_a_folder_that_cannot_be_made_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IndexUnavailable, match="cannot be used"):
        await EpisodeIndex.open(tmp_path / "file" / "index")


async def test_the_vectors_that_were_stored_come_back(index: EpisodeIndex) -> None:
    vectors = _vectors(3)
    await index.add("acme", "order.late", ["e1", "e2", "e3"], vectors)
    await index.remove("acme", "order.late", ["e2"])
    found = await index.vectors("acme", "order.late", ["e1", "e1", "e2", "e3", "never there"])
    assert found.keys() == {"e1", "e3"}
    assert np.abs(found["e3"] - vectors[2]).max() < 1e-6
    assert await index.vectors("acme", "nothing.here", ["e1"]) == {}


async def test_what_an_earlier_owner_stored_is_searched_by_the_next(tmp_path: Path) -> None:
    vectors = _vectors(30)
    first = await EpisodeIndex.open(tmp_path / "index")
    await first.add("acme", "order.late", [f"e{number:02}" for number in range(30)], vectors)
    await first.aclose()
    second = await EpisodeIndex.open(tmp_path / "index")
    await second.add("acme", "order.late", ["e30"], _vectors(1, seed=5))
    for number in (0, 17, 29):
        ((name, cosine),) = await second.query("acme", "order.late", vectors[number], 1)
        assert name == f"e{number:02}"
        assert cosine == pytest.approx(1.0, abs=1e-5)
    assert await second.count("acme", "order.late") == 31
    await second.aclose()
