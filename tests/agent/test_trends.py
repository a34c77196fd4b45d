"""What happened lately by slots: the same as counted one by one, kept up as runs end, and what may be read anew."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, update

from agent.operating.rested import Rested
from agent.operating.trends import DAY, Trend, Trends
from agent.store import system, tool_use, trends, workers
from agent.store.chat_queries import Window
from agent.store.database import Database
from agent.store.tables import approvals, decisions, inbox, outcomes, rewards, runs
from agent.store.trends import Slot
from tests.agent.conftest import new_database
from tests.agent.fresh import lay_out

NOW = datetime(2026, 11, 26, 12, 7, tzinfo=UTC)


@dataclass
class Past:
    """A store with a past that was made up, and the same as a plain list."""

    database: Database
    rows: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = NOW

    async def add(self, at: datetime, status: str = "done", *, by: str = "planner", reward: float | None = None) -> str:
        """One run of that moment."""
        place = 2 * len(self.rows) + 1
        row = {"at": at, "status": status, "by": by, "reward": reward, "id": f"{place:026d}", "place": place}
        self.rows.append(row)
        await self.database.write(lambda connection: _write(connection, row))
        return str(row["id"])

    def trends(self) -> Trends:
        """As a page of its own process has them."""
        return Trends(self.database, {"loyalty": 1.0}, lambda: self.now)

    async def trend(self) -> Trend:
        """Read from nothing, until all is."""
        kept = self.trends()
        while True:
            found = await kept._bring_up_to_date("default")
            if found.whole:
                return found


def _write(connection: Connection, row: dict[str, Any]) -> None:
    at, run = row["at"], row["id"]
    shared = {"tenant": "default", "subject": f"c-{row['place']}", "source": "/shop"}
    event = {"data": {}, "body_hash": "", "time": at, "received_at": at, **shared}
    connection.execute(insert(inbox).values(seq=row["place"], id=f"e{row['place']}", type="order", run=run, **event))
    connection.execute(
        insert(runs).values(
            id=run, seq=row["place"], event_type="order", status=row["status"], created_at=at, in_line=False, **shared
        )
    )
    connection.execute(
        insert(decisions).values(
            run=run,
            number=1,
            kind="act",
            reason="",
            decided_by=row["by"],
            tokens=7 if row["by"] == "gpt" else 0,
            candidates=[],
            evidence={},
            reflex={"role": "used", "spared": 5} if row["by"] == "reflex" else None,
            decided_at=at,
        )
    )
    if row["reward"] is None:
        return
    place = row["place"] + 1
    connection.execute(insert(inbox).values(seq=place, id=f"o{place}", type="stayed", outcome=f"o{place}", **event))
    connection.execute(
        insert(outcomes).values(
            id=f"o{place}", seq=place, type="stayed", state="joined", run=run, created_at=at, joined_at=at, **shared
        )
    )
    connection.execute(insert(rewards).values(outcome=f"o{place}", goal="loyalty", run=run, reward=row["reward"]))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Past]:
    database = Database(url)
    await database.open()
    try:
        yield Past(database)
    finally:
        await database.aclose()


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[Past]:
    await lay_out(tmp_path)
    async with opened(f"sqlite:///{tmp_path / 'segue.sqlite'}") as made:
        yield made


async def fill(past: Past, number: int) -> None:
    """Runs of the last two weeks and some of before, in the order of their moments."""
    chance = random.Random(7)
    moments = sorted(NOW - timedelta(minutes=chance.uniform(0, 17 * 24 * 60)) for _ in range(number))
    for at in moments:
        status = chance.choice(["done", "done", "failed", "stopped", "cancelled", "waiting", "queued"])
        reward = chance.choice([None, 0.25, 1.0])
        await past.add(at, status, by=chance.choice(["planner", "reflex", "gpt"]), reward=reward)


def counted(past: Past, since: datetime, length: timedelta) -> Slot:
    """The same, one by one."""
    found = [row for row in past.rows if since <= row["at"] < since + length]

    def number(**like: str) -> int:
        return sum(all(row[key] == value for key, value in like.items()) for row in found)

    done, reflex, asked = number(status="done"), number(by="reflex"), number(by="gpt")
    judged = [row["reward"] for row in found if row["reward"] is not None]
    return Slot(
        events=len(found),
        open=number(status="waiting") + number(status="queued"),
        done=done,
        alone=done,
        bad=number(status="failed") + number(status="stopped"),
        asked=asked,
        spared=reflex,
        planned=number(by="planner"),
        tokens=7 * asked,
        tokens_spared=5 * reflex,
        judged=len(judged),
        rewards=sum(judged),
    )


async def matches(past: Past) -> None:
    trend = await past.trend()
    midnight = NOW.replace(hour=0, minute=0)
    assert trend.today == counted(past, midnight, DAY)
    by_then = NOW.replace(minute=10) - DAY
    assert trend.yesterday == counted(past, midnight - DAY, by_then - (midnight - DAY))
    for begins, slot in trend.days():
        assert slot == counted(past, begins, DAY), begins
    hours = trend.hours()
    assert [at for at, _ in hours][-1] == NOW.replace(minute=0)
    for begins, slot in hours:
        assert slot == counted(past, begins, timedelta(hours=1)), begins


async def test_days_hours_and_today_are_what_one_counts_by_hand(past: Past) -> None:
    await fill(past, 300)
    await matches(past)


async def test_the_same_on_postgresql(postgres_url: str) -> None:
    async with opened(new_database(postgres_url, "trends")) as past:
        await fill(past, 60)
        await matches(past)
        window = Window(since=NOW - 20 * DAY)
        assert await past.database.read(lambda found: tool_use.days(found, "default", None, window)) == {}
        steps = {"pay": "repay", "mail": "calm"}
        assert await past.database.read(lambda found: tool_use.runs_by_step(found, "default", window, steps)) == {}
        assert await past.database.read(lambda found: tool_use.stops(found, "default", NOW - DAY)) == {}
        assert await past.database.read(lambda found: tool_use.failures(found, "default", "pay", window, 5)) == []
        seen = await past.database.read(lambda found: system.model_seen(found, "default"))
        assert seen.answered_at == max(row["at"] for row in past.rows if row["by"] == "gpt")
        assert await past.database.read(lambda found: workers.seen(found, NOW)) == ()


async def test_a_run_that_ends_days_later_is_counted_where_it_began(past: Past) -> None:
    run = await past.add(NOW - 3 * DAY, "waiting")
    kept = past.trends()
    before = await kept._bring_up_to_date("default")
    assert (before.days()[-4][1].open, before.days()[-4][1].done) == (1, 0)
    await past.database.write(lambda connection: _answered(connection, run))
    after = await kept._bring_up_to_date("default")
    slot = after.days()[-4][1]
    assert (slot.open, slot.done, slot.alone) == (0, 1, 0)


def _answered(connection: Connection, run: str) -> None:
    connection.execute(update(runs).where(runs.c.id == run).values(status="done"))
    shared = {"tenant": "default", "run": run, "decision": 1, "position": 0, "kind": "call", "created_at": NOW}
    connection.execute(insert(approvals).values(id="a", state="approved", answered_at=NOW, **shared))


async def test_a_past_that_has_ended_is_not_read_again_until_it_is_old_news(past: Past) -> None:
    run = await past.add(NOW - 2 * DAY)
    kept = past.trends()
    await kept._bring_up_to_date("default")

    def gone(connection: Connection) -> None:
        connection.execute(delete(decisions).where(decisions.c.run == run))
        connection.execute(delete(runs).where(runs.c.id == run))

    await past.database.write(gone)
    assert (await kept._bring_up_to_date("default")).days()[-3][1].events == 1
    past.now = NOW + timedelta(hours=2)
    for _ in range(15):
        late = await kept._bring_up_to_date("default")
    assert late.days()[-3][1].events == 0


async def test_what_has_just_come_is_counted_though_nothing_else_changed(past: Past) -> None:
    kept = past.trends()
    assert (await kept._bring_up_to_date("default")).today.events == 0
    await past.add(NOW - timedelta(seconds=1))
    assert (await kept._bring_up_to_date("default")).today.events == 1
    found = await past.database.read(
        lambda connection: trends.slots(connection, "other", NOW - DAY, NOW, lambda rewards: 1.0)
    )
    assert found == {}


async def test_one_reads_for_all_and_rests_as_long_as_it_is_worth() -> None:
    moment, reads = [0.0], []

    async def read(name: str) -> int:
        reads.append(name)
        moment[0] += 0.5
        return len(reads)

    rested = Rested(read, lambda: moment[0])
    assert [await rested.of("a"), await rested.of("a"), await rested.of("b")] == [1, 1, 2]
    moment[0] += 3.9
    assert await rested.of("b") == 2
    moment[0] += 0.2
    assert await rested.of("b") == 3


async def test_what_cannot_be_read_is_asked_for_again() -> None:
    asked: list[str] = []

    async def read(name: str) -> int:
        asked.append(name)
        if len(asked) == 1:
            raise ValueError("gone")
        return 3

    rested = Rested(read)
    with pytest.raises(ValueError, match="gone"):
        await rested.of("a")
    assert await rested.of("a") == 3
