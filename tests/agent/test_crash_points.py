"""`kill -9` at every point of a run: whatever the point, the next life brings the run to its right end."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent.crash_lives import Life, Nursery, delivered

ONCE = ("book_call", "pay_back")
"""Tools that act on every delivery."""


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(tmp_path_factory.mktemp("nursery") / "log") as opened:
        yield opened


@pytest.fixture(scope="module")
def fresh(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with its tables made and nothing in them."""
    path = tmp_path_factory.mktemp("fresh")
    assert not nursery.live(Life(data=str(path), event=None))
    return path


def begin(fresh: Path, path: Path) -> Life:
    """A life on a copy of the fresh directory."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(fresh, path)
    return Life(data=str(path))


def shown(life: Life) -> dict[str, Any]:
    """The run as the last life saw it."""
    found: dict[str, Any] = json.loads((Path(life.data) / "run.json").read_text())
    return found


def assert_told_once(life: Life) -> None:
    """One run with its right end, nothing lost, nothing doubled, whatever lives it took."""
    run = shown(life)
    assert (run["status"], run["end"]) == ("done", {"code": "finished", "detail": "the script is at its end"})
    assert [decision["number"] for decision in run["decisions"]] == [1, 2, 3]
    assert [one["state"] for one in run["approvals"]] == ["approved"]
    effects = {effect["tool"]: effect for effect in run["effects"]}
    assert sorted(effects) == ["book_call", "look_up", "pause_mail", "pay_back"]
    assert {effects[tool]["state"] for tool in ("look_up", "pause_mail")} == {"done"}
    got = delivered(life)
    assert {one["key"] for one in got} <= {effect["key"] for effect in run["effects"]}
    for tool in ONCE:
        times = sum(one["tool"] == tool for one in got)
        # Unknown in between, it was settled by what the tool says, so the ledger tells the truth in the end.
        assert (times, effects[tool]["state"]) in {(1, "done"), (0, "failed")}
    if life.database_url is None:
        assert_stored_once(Path(life.data) / "data" / "segue.sqlite")


def assert_stored_once(file: Path) -> None:
    """One run, one episode, and no subject that is held for ever."""
    store = sqlite3.connect(file)
    try:
        counted = [store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("runs", "episodes")]
        open_runs = store.execute("SELECT count(*) FROM runs WHERE status IN ('queued', 'running', 'waiting')")
        assert (counted, open_runs.fetchone()[0]) == ([1, 1], 0)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("point", "eager"),
    [
        ("after write Accepting.accept#1", False),
        ("after write Dispatcher._dispatch#1", False),
        ("after write RunStages.decide#2", True),
        ("before call book_call#1", False),
        ("after call book_call#1", True),
        ("after call pause_mail#1", False),
        ("after write RunStages.settle.settle#2", True),
        ("after write Segue.answer#1", False),
        ("after write Recording.record.close#1", False),
    ],
)
def test_a_run_killed_at_a_point_where_it_matters_is_finished_by_the_next_life(
    nursery: Nursery, fresh: Path, tmp_path: Path, point: str, eager: bool
) -> None:
    """`eager`: the operator of the next life answers before the engine has recovered anything."""
    life = begin(fresh, tmp_path / "life")
    assert nursery.live(replace(life, die_on=point)), f"{point} was never passed"
    assert not nursery.live(replace(life, eager=eager))
    assert_told_once(life)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("eager", [False, True])
def test_a_run_killed_at_any_point_is_finished_by_the_next_life(
    nursery: Nursery, fresh: Path, tmp_path: Path, eager: bool
) -> None:
    point = 0
    while True:
        point += 1
        life = replace(begin(fresh, tmp_path / "life"), eager=eager)
        killed = nursery.live(replace(life, die_at=point))
        if killed:
            assert not nursery.live(life)
        assert_told_once(life)
        if not killed:
            break
    assert point > 60


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_run_killed_again_and_again_is_finished_in_the_end(nursery: Nursery, fresh: Path, tmp_path: Path) -> None:
    dice = random.Random(7)
    for _ in range(30):
        life = replace(begin(fresh, tmp_path / "life"), eager=dice.random() < 0.5)
        while nursery.live(replace(life, die_at=dice.randrange(1, 40))):
            pass
        assert_told_once(life)


@pytest.mark.slow
def test_a_segment_recovered_late_leaves_the_run_to_the_segment_that_followed(
    nursery: Nursery, fresh: Path, tmp_path: Path
) -> None:
    """The engine recovers the parked segment about a second after the next one began its call."""
    life = replace(begin(fresh, tmp_path / "life"), pay_back_takes_s=2.5)
    assert nursery.live(replace(life, die_on="after write RunStages.settle.settle#2"))
    assert not nursery.live(life)
    assert_told_once(life)
    assert not [effect for effect in shown(life)["effects"] if "settled" in effect]
