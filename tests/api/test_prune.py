"""`segue prune` as it is called: what it says, what it refuses, and that it removes."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

from agent.directory import DataDirectory
from agent.store.database import Database
from tests.agent.old_runs import write_run
from tests.api.test_cli import invoke


def test_old_runs_are_removed_and_it_says_so(tmp_path: Path) -> None:
    write_old(tmp_path, 3)
    would = invoke("prune", "--older-than", "90d", "--dry-run", "--data", str(tmp_path))
    assert would.exit_code == 0, would.stderr
    assert "3 runs that ended before" in would.stdout
    assert "would be removed" in would.stdout
    removed = invoke("prune", "--older-than", "90d", "--json", "--data", str(tmp_path))
    told = json.loads(removed.stdout)
    assert told.pop("before").endswith("Z")
    assert told.pop("bytes") > 300
    assert told.pop("freed_bytes") >= 0
    assert (told.pop("runs"), told.pop("dry_run")) == (3, False)
    assert told == {"activity": 0, "kept_for_habits": 0, "kept_in_doubt": 0, "large_results": 0}
    again = invoke("prune", "--older-than", "90d", "--data", str(tmp_path))
    assert again.stdout.startswith("0 runs that ended before")
    assert "The files are smaller by" in again.stdout


def test_a_directory_that_is_held_or_not_there_is_refused(tmp_path: Path) -> None:
    missing = invoke("prune", "--older-than", "90d", "--data", str(tmp_path / "none"))
    assert missing.exit_code == 1
    assert "There is no data directory" in missing.stderr
    with DataDirectory.hold(tmp_path / "held"):
        held = invoke("prune", "--older-than", "90d", "--data", str(tmp_path / "held"))
    assert held.exit_code == 1
    assert "is held by process" in held.stderr
    assert held.stdout == ""


def test_an_age_that_is_none_is_a_mistake_in_the_usage(tmp_path: Path) -> None:
    for age in ("90", "0d", "-1d", "ninety days", "9999d"):
        refused = invoke("prune", f"--older-than={age}", "--data", str(tmp_path))
        assert refused.exit_code == 2, age
        assert "Use a number and m, h or d" in refused.stderr
    assert invoke("prune", "--data", str(tmp_path)).exit_code == 2


def write_old(folder: Path, count: int) -> None:
    """A store with so many runs that ended long ago."""

    async def write() -> None:
        database = Database(f"sqlite:///{folder / 'segue.sqlite'}")
        await database.open()
        for number in range(count):
            await database.write(partial(write_run, name=f"old-{number}", days_ago=1_000))
        await database.aclose()

    asyncio.run(write())
