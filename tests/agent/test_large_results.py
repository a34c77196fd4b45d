"""Large results of calls: kept once, seen whole by decisions, shown as excerpts, and no burden on long runs."""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from agent.errors import Conflict, NotFound
from agent.store.database import Database
from agent.store.large import LargeResults, pack, put, read
from agent.store.tables import large_results
from agent.types import Decision, Situation
from tests.agent.company import Script, call, open_company

PORTFOLIO = """
segue: 1
goals: {loyalty: {weight: 1.0, description: customers who stay}}
chains:
  - {name: care, description: care for a customer, steps: [{name: know, description: know the customer}]}
sources:
  - name: local
    python:
      read_archive: "tests.agent.test_large_results:read_archive"
      read_ledger: "tests.agent.test_large_results:read_ledger"
      file_note: "tests.agent.test_large_results:file_note"
    tools:
      read_archive: {step: know, effect: read, timeout_s: 30}
      read_ledger: {step: know, effect: read, timeout_s: 30}
      file_note: {step: know, timeout_s: 30}
events:
  customer.upset:
    description: a customer is upset
    schema: {type: object}
    text: "{data.message}"
    features: {last: results.read_archive.last}
    allow: [know]
    limits: {decisions: 200, calls: 400, seconds: 600, tokens: 1000}
outcomes: {}
"""


async def read_archive(page: int, size: int) -> dict[str, Any]:
    """Read a page of the archive."""
    return archive(page, size)


async def read_ledger(page: int, size: int) -> dict[str, Any]:
    """Read a page of the ledger."""
    return archive(page, size)


async def file_note(page: int, size: int) -> dict[str, Any]:
    """File a note; the archive answers with the whole page."""
    raise ConnectionResetError(f"no answer for page {page} of {size}")


def archive(page: int, size: int) -> dict[str, Any]:
    """The same page every time, with so many characters of text that hardly compresses."""
    return {"page": page, "text": random.Random(page).randbytes(size // 2).hex(), "last": f"p{page}"}


async def test_a_decision_sees_a_large_result_whole_and_the_api_shows_its_beginning(tmp_path: Path) -> None:
    script = Script([[call("read_archive", page=1, size=200_000)]])
    async with open_company(tmp_path, script, PORTFOLIO) as company:
        run = await company.handle(message="look")
        (effect,) = run["effects"]
        whole = await company.segue.effect_result("default", effect["key"])
        listed = (await company.segue.effects("default", None, None, 5)).items
    assert script.seen[1].results[0].result == archive(1, 200_000) == whole
    assert script.seen[1].features == {"last": "p1"}
    shown = effect["result"]
    assert shown["large"] is True
    assert shown["bytes"] > 150_000
    assert shown["preview"].startswith('{"page": 1, "text": "')
    assert len(str(run)) < 10_000
    assert listed == [effect]


async def test_a_result_that_is_not_large_stays_in_its_row(tmp_path: Path) -> None:
    script = Script([[call("read_archive", page=1, size=16_000)]])
    async with open_company(tmp_path, script, PORTFOLIO) as company:
        (effect,) = (await company.handle(message="look"))["effects"]
        assert effect["result"] == archive(1, 16_000)
        assert await company.segue.effect_result("default", effect["key"]) == effect["result"]
        assert kept(tmp_path) == 0


async def test_the_same_large_result_is_kept_once(tmp_path: Path) -> None:
    pages = [1, 1, 2, 1]
    script = Script([[call("read_archive", page=page, size=100_000)] for page in pages])
    async with open_company(tmp_path, script, PORTFOLIO) as company:
        run = await company.handle(message="look")
        assert kept(tmp_path) == 2
        assert [result.result for result in script.seen[-1].results] == [archive(page, 100_000) for page in pages]
    assert 100_000 < run["stored_bytes"] < 300_000


async def test_an_operator_settles_with_a_large_result(tmp_path: Path) -> None:
    script = Script([[call("file_note", page=1, size=5)]])
    async with open_company(tmp_path, script, PORTFOLIO) as company:
        run = await company.handle(message="look")
        key = run["effects"][0]["key"]
        with pytest.raises(Conflict, match="is unknown; only an effect that is done has a result"):
            await company.segue.effect_result("default", key)
        with pytest.raises(NotFound):
            await company.segue.effect_result("other", key)
        settled = await company.segue.settle(
            "default", key, state="done", result=archive(3, 50_000), reason=None, by="ann"
        )
        assert settled["result"]["large"] is True
        assert await company.segue.effect_result("default", key) == archive(3, 50_000)
        while not (run := await company.ended(run["id"]))["end"]:
            await asyncio.sleep(0.02)
    assert run["status"] == "done"
    assert script.seen[-1].results[0].result == archive(3, 50_000)


async def test_tenants_never_read_each_others_large_results(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'segue.sqlite'}")
    await database.open()
    result = await pack(archive(1, 50_000))
    digest = result.digest or ""
    await database.write(lambda connection: put(connection, "one", result, datetime.now(UTC)))
    kept_read = LargeResults()
    found = await database.read(lambda connection: kept_read.read(connection, "one", [digest]))
    assert found == {digest: archive(1, 50_000)}
    for reader in (read, kept_read.read):
        with pytest.raises(LookupError, match="has lost the large result"):
            await database.read(partial(reader, tenant="two", digests=[digest]))
    await database.aclose()


async def test_of_very_many_large_results_the_latest_and_each_tools_last_are_seen_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.store.history.WHOLE_BYTES", 150_000)
    pages = [call("read_ledger", page=9, size=60_000)]
    pages += [call("read_archive", page=page, size=60_000) for page in range(4)]
    script = Script([[one] for one in pages])
    async with open_company(tmp_path, script, PORTFOLIO) as company:
        run = await company.handle(message="look")
    seen = [one.result for one in script.seen[-1].results]
    assert run["status"] == "done"
    assert seen[0] == archive(9, 60_000)
    assert seen[3:] == [archive(2, 60_000), archive(3, 60_000)]
    for page, excerpt in enumerate(seen[1:3]):
        assert isinstance(excerpt, str)
        assert f'bytes that begins: {{"page": {page}, "text": "' in excerpt


async def test_what_is_kept_read_is_bounded_by_its_bytes(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'segue.sqlite'}")
    await database.open()
    results = [await pack(archive(page, 50_000)) for page in range(4)]
    for result in results:
        await database.write(partial(put, tenant="one", stored=result, now=datetime.now(UTC)))
    kept_read = LargeResults(most_bytes=120_000)
    digests = [result.digest or "" for result in results]
    for digest in digests:
        await database.read(partial(kept_read.read, tenant="one", digests=[digest]))
    await database.write(lambda connection: connection.execute(delete(large_results)))
    assert len(await database.read(partial(kept_read.read, tenant="one", digests=digests[2:]))) == 2
    with pytest.raises(LookupError):
        await database.read(partial(kept_read.read, tenant="one", digests=digests[:1]))
    await database.aclose()


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_run_of_100_decisions_and_200_calls_with_results_of_1_mb_finishes(tmp_path: Path) -> None:
    async with open_company(tmp_path, Reading(decisions=100), PORTFOLIO) as company:
        await company.handle(id="e-warm", message="look", decisions=1)
        before = resident_bytes()
        run = await company.handle(id="e-1", message="look")
        grown = resident_bytes() - before
    assert run["status"] == "done", run["end"]
    assert len(run["decisions"]) == 101
    assert [effect["state"] for effect in run["effects"]] == ["done"] * 200
    assert sum(effect["result"]["bytes"] for effect in run["effects"]) > 200_000_000
    assert len(str(run)) < 1_000_000
    # All of them in memory would be more than 200 MB.
    assert grown < 150_000_000


@dataclass
class Reading:
    """A decider that reads two other pages of 1 MB in each decision; it keeps nothing."""

    decisions: int
    name: str = "reading"

    async def decide(self, situation: Situation) -> Decision:
        """The next two pages."""
        number = situation.decision
        if number > int(str(situation.event.data.get("decisions", self.decisions))):
            return Decision(kind="finish", reason="read it all", decided_by=self.name)
        pages = (2 * number, 2 * number + 1)
        calls = tuple(call("read_archive", page=page, size=1_000_000) for page in pages)
        return Decision(kind="act", reason="reading on", calls=calls, decided_by=self.name)


def kept(folder: Path) -> int:
    """How many large results the store holds."""
    with closing(sqlite3.connect(folder / "data" / "segue.sqlite")) as connection:
        found: int = connection.execute("SELECT count(*) FROM large_results").fetchone()[0]
    return found


def resident_bytes() -> int:
    """What this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
