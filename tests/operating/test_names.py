"""What can be named in a question, among many runs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text

from agent.ids import new_id
from agent.operating.names import Names
from agent.operating.routing.mentions import mentioned
from agent.portfolio.model import Portfolio
from agent.store.database import Database
from agent.store.tables import inbox, runs
from tests.operating.questions import NOW

NOTHING = Portfolio(goals={}, sources=(), chains=(), events={}, outcomes={})
MANY = 100_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Known(Names):
    """Of a store alone."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, NOTHING, lambda: {})
        self.database = database


def fill(connection: Connection, subjects: list[str], tenant: str = "default") -> None:
    """A run that is done for each subject."""
    at = [BEGIN + timedelta(seconds=number) for number in range(len(subjects))]
    connection.execute(
        insert(inbox),
        [
            {
                "seq": number + 1,
                "tenant": tenant,
                "source": "/tests",
                "id": str(number),
                "type": "happened",
                "subject": subject,
                "time": at[number],
                "data": {"number": number},
                "body_hash": "",
                "received_at": at[number],
            }
            for number, subject in enumerate(subjects)
        ],
    )
    connection.execute(
        insert(runs),
        [
            {
                "id": new_id(),
                "tenant": tenant,
                "seq": number + 1,
                "event_type": "happened",
                "subject": subject,
                "status": "done",
                "created_at": at[number],
            }
            for number, subject in enumerate(subjects)
        ],
    )


def fill_with_many(connection: Connection) -> None:
    """`MANY` runs more, of subjects k-1 to k-100000, by the database itself, as that takes a second."""
    at = BEGIN.replace(tzinfo=None).isoformat(sep=" ") + ".000000"
    numbers = f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MANY})"
    of_inbox = {
        "seq": "1000 + n",
        "tenant": "'default'",
        "source": "'/tests'",
        "id": "'m' || n",
        "type": "'happened'",
        "subject": "'k-' || n",
        "time": ":at",
        "data": "'{}'",
        "body_hash": "''",
        "received_at": ":at",
    }
    of_runs = {
        "id": "printf('00%024d', n)",
        "tenant": "'default'",
        "seq": "1000 + n",
        "event_type": "'happened'",
        "subject": "'k-' || n",
        "status": "'done'",
        **dict.fromkeys(("segment", "rank", "turn", "head", "attempts", "after_decision", "spent_s"), "0"),
        **dict.fromkeys(("events", "in_line"), "1"),
        **dict.fromkeys(("source", "decided_by"), "''"),
        "created_at": ":at",
    }
    for table, columns in (("inbox", of_inbox), ("runs", of_runs)):
        into, values = ", ".join(columns), ", ".join(columns.values())
        connection.execute(text(f"INSERT INTO {table} ({into}) {numbers} SELECT {values} FROM n"), {"at": at})


@asynccontextmanager
async def names(data: Path, *subjects: str) -> AsyncIterator[Known]:
    database = Database(f"sqlite:///{data / 'segue.sqlite'}")
    await database.open()
    try:
        await database.write(lambda connection: fill(connection, list(subjects)), long=True)
        yield Known(database)
    finally:
        await database.aclose()


async def test_a_subject_is_found_among_100_000_runs_at_once(tmp_path: Path) -> None:
    async with names(tmp_path, "Straße & Söhne GmbH") as known:
        await known.database.write(fill_with_many, long=True)
        for question, subject in (
            ("what happened with K-99500 and why was it so", "k-99500"),
            ("was straße & söhne gmbh angry, what did we do for them and how did it all end", "Straße & Söhne GmbH"),
            ("what is the state of nobody knows which customer of ours, in some long question", None),
        ):
            began = time.perf_counter()
            found = await mentioned(question, known, "default", NOW)
            took = time.perf_counter() - began
            assert found.first("subject") == subject
            assert took < 1.0


@pytest.mark.parametrize("written", ["Øre/7", "øre/7", "ØRE/7"])
async def test_letters_of_all_alphabets_are_found_in_whatever_case(tmp_path: Path, written: str) -> None:
    async with names(tmp_path, "Øre/7", "c-1") as known:
        assert await known.subjects("default", [written]) == {written: "Øre/7"}


async def test_of_two_subjects_that_differ_in_case_alone_the_one_written_is_meant(tmp_path: Path) -> None:
    async with names(tmp_path, "c-1", "C-1") as known:
        assert await known.subjects("default", ["C-1"]) == {"C-1": "C-1"}
        assert await known.subjects("default", ["c-1"]) == {"c-1": "c-1"}


async def test_subjects_of_another_tenant_are_not_known(tmp_path: Path) -> None:
    async with names(tmp_path, "Müller & Sohn") as known:
        assert await known.subjects("other", ["Müller & Sohn", "müller & sohn"]) == {}


async def test_the_longest_name_is_meant(tmp_path: Path) -> None:
    async with names(tmp_path, "Müller", "Müller & Sohn") as known:
        found = await mentioned("what happened with Müller & Sohn?", known, "default", NOW)
        assert found.of("subject") == ("Müller & Sohn",)
