"""The inbox and its order: redeliveries in every shape, fairness, and what a long queue costs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from agent.accepting import BatchError
from agent.ids import new_id
from agent.store.database import Database
from agent.store.inbox import Incoming, accept
from agent.store.queue import claim, enter
from agent.store.tables import runs
from agent.types import Event
from tests.agent.company import Script, call, open_company, raw

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def queued(subject: str, number: int) -> Incoming:
    """An event at the door."""
    event = Event(source="/t", id=f"{subject}/{number}", type="t", subject=subject, time=NOW, data={})
    return Incoming(event=event, body_hash="", kind="run", new_id=new_id())


async def test_an_event_twice_in_one_batch_is_one_run_and_with_two_contents_a_conflict(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("book_call")]])) as company:
        twice = raw("c-1", message="hello")
        first, second = await company.segue.accept("default", [twice, twice])
        assert (first.duplicate, second.duplicate) == (False, True)
        assert first.run == second.run
        await company.ended(first.run or "")
        with pytest.raises(BatchError) as caught:
            await company.segue.accept("default", [raw("c-2", id="e-2"), raw("c-2", id="e-2", message="other")])
        assert (caught.value.kind, set(caught.value.errors)) == ("conflict", {1})
        assert (await company.segue.counts("default"))["runs"] == {"done": 1}
    assert len(company.ledger.of("book_call")) == 1


async def test_overlapping_batches_at_once_make_each_run_once_and_keep_each_subjects_order(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("book_call")]])) as company:
        events = [raw(f"c-{number % 3}", id=f"e-{number}", message=str(number)) for number in range(12)]
        batches = [events[start:] for start in range(6)] + [events] * 4
        answers = await asyncio.gather(*(company.segue.accept("default", batch) for batch in batches))
        by_event: dict[str, set[Any]] = {}
        for answer in answers:
            for one in answer:
                by_event.setdefault(one.id, set()).add(one.run)
        assert all(len(found) == 1 for found in by_event.values())
        event_of = {run: id for id, (run,) in by_event.items()}
        for run in event_of:
            await company.ended(run)
    handled = [(arguments["customer"], event_of[key.split(":")[0]]) for _, arguments, key in company.ledger.deliveries]
    for subject in ("c-0", "c-1", "c-2"):
        in_order = [event.id for event in events if event.subject == subject]
        assert [event for customer, event in handled if customer == subject] == in_order


async def test_a_subject_with_a_long_past_and_a_long_queue_costs_others_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'segue.sqlite'}")
    await database.open()
    await database.write(lambda c: accept(c, "default", [queued("busy", number) for number in range(1200)], NOW))
    past = update(runs).where(runs.c.seq <= 600).values(status="done", head=False)
    await database.write(lambda c: c.execute(past))
    next_of_busy = select(runs.c.id).where(runs.c.seq == 601)
    await database.write(lambda c: enter(c, c.execute(next_of_busy).scalar_one()))
    await database.write(lambda c: accept(c, "default", [queued(f"other-{number}", 1) for number in range(40)], NOW))

    def costly(connection: Connection) -> tuple[int, int, int]:
        """Starts, starts of the busy subject, and thousands of steps of SQLite's machine it took."""
        steps: list[int] = []
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: steps.append(1), 1000)
        claimed = claim(connection, "me", {}, NOW, 64).starts
        driver.set_progress_handler(None, 0)
        busy = connection.execute(runs.select().where(runs.c.subject == "busy", runs.c.status == "running")).all()
        return len(claimed), len(busy), len(steps)

    starts, busy, steps = await database.write(costly)
    await database.aclose()
    assert (starts, busy) == (41, 1)
    # Neither what is closed nor what is queued behind a head is looked at.
    assert steps < 60
