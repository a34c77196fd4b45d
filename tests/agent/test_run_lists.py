"""Runs as a list to look through: filters, pages by position, and how far a page looks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, event, insert, text, update

from agent.operating.run_lists import RunLists
from agent.service import GivenAnswer
from agent.store import figures, queries, run_lists
from agent.store.chat_queries import Window
from agent.store.database import Database
from agent.store.queries import RunFilter
from agent.store.run_lists import ListFilter
from agent.store.tables import calls, decisions, effects, inbox, runs
from tests.agent.company import Script, call, dies, open_company
from tests.agent.conftest import new_database
from tests.agent.fresh import lay_out

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@asynccontextmanager
async def past(folder: Path, number: int) -> AsyncIterator[tuple[Database, RunLists]]:
    """So many runs, one a minute until now; the ids are their positions."""
    await lay_out(folder)
    database = Database(f"sqlite:///{folder / 'segue.sqlite'}")
    await database.open()
    await database.write(lambda connection: _write(connection, number), long=True)
    try:
        yield database, RunLists(database)
    finally:
        await database.aclose()


def _write(connection: Connection, number: int) -> None:
    rows = []
    for place in range(1, number + 1):
        at = NOW - timedelta(minutes=number - place)
        shared = {"tenant": "default" if place != 3 else "other", "subject": f"c-{place % 4}", "source": "/shop"}
        rows.append((place, at, shared))
    connection.execute(
        insert(inbox),
        [
            {"seq": place, "id": str(place), "type": "order", "time": at, "data": {}, "body_hash": "", **shared}
            | {"received_at": at, "run": f"{place:026d}"}
            for place, at, shared in rows
        ],
    )
    connection.execute(
        insert(runs),
        [
            {"id": f"{place:026d}", "seq": place, "event_type": "order", "status": "done", "created_at": at, **shared}
            | {"closed_at": at, "in_line": False}
            for place, at, shared in rows
        ],
    )


async def _decided(database: Database, place: int, tool: str, by: str) -> None:
    """A run has made a decision."""
    run = f"{place:026d}"

    def write(connection: Connection) -> None:
        decision = {"run": run, "number": 1, "kind": "act", "reason": "", "candidates": [], "evidence": {}}
        connection.execute(insert(decisions).values(**decision, decided_by=by, decided_at=NOW))
        asked = {"run": run, "decision": 1, "position": 0, "tool": tool, "arguments": {}, "action": tool}
        connection.execute(insert(calls).values(**asked, propensity=1.0, decided_by=by, verdict="permitted"))
        made = {"key": f"{run}:1:0", "tenant": "default", "run": run, "decision": 1, "position": 0, "tool": tool}
        made |= {"subject": "c", "arguments": {}, "state": "done", "started_at": NOW, "ended_at": NOW}
        connection.execute(insert(effects).values(**made))

    await database.write(write)


async def test_pages_go_through_all_runs_of_the_tenant_once_newest_first(tmp_path: Path) -> None:
    async with past(tmp_path, 23) as (_, lists):
        seen: list[int] = []
        before = None
        for _ in range(9):
            page = await lists.page("default", ListFilter(), before, 3)
            seen += [one["seq"] for one in page.items]
            if page.next is None:
                break
            before = page.next
    assert seen == [place for place in range(23, 0, -1) if place != 3]


async def test_a_page_stays_what_it_was_while_new_runs_arrive(tmp_path: Path) -> None:
    async with past(tmp_path, 10) as (database, lists):
        first = await lists.page("default", ListFilter(), None, 4)

        def newer(connection: Connection) -> None:
            event = {"seq": 11, "tenant": "default", "id": "11", "type": "order", "time": NOW, "data": {}}
            event |= {"source": "/shop", "subject": "c", "body_hash": "", "received_at": NOW}
            connection.execute(insert(inbox).values(**event))
            run = {"id": "B" * 26, "tenant": "default", "seq": 11, "event_type": "order", "subject": "c"}
            connection.execute(insert(runs).values(**run, status="queued", created_at=NOW))

        await database.write(newer)
        second = await lists.page("default", ListFilter(), first.next, 4)
    assert [one["seq"] for one in second.items] == [6, 5, 4, 2]


async def test_a_filter_looks_at_a_bounded_number_of_runs_and_says_how_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lists, "SPAN", 10)
    async with past(tmp_path, 35) as (database, lists):
        await _decided(database, 2, "rare", "planner")
        wanted = ListFilter(tool="rare")
        first = await lists.page("default", wanted, None, 5)
        assert (first.items, first.next) == ([], 26)
        assert first.looked_back_to == NOW - timedelta(minutes=9)
        found, before, pages = [], first.next, 1
        while before is not None:
            page = await lists.page("default", wanted, before, 5)
            found += [one["seq"] for one in page.items]
            before, pages = page.next, pages + 1
    assert (found, pages) == ([2], 4)


async def test_a_subject_and_a_status_are_found_however_far_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lists, "SPAN", 2)
    async with past(tmp_path, 20) as (_, lists):
        page = await lists.page("default", ListFilter(subject="c-1"), None, 9)
        assert [one["seq"] for one in page.items] == [17, 13, 9, 5, 1]
        assert (await lists.page("default", ListFilter(status="failed"), None, 9)).next is None


@pytest.mark.parametrize(("since", "until"), [(7, 3), (7, None), (None, 3), (100, None), (0, None), (None, 100)])
async def test_a_time_holds_exactly_its_runs(tmp_path: Path, since: int | None, until: int | None) -> None:
    """In minutes ago: from the one on, before the other."""
    ago = [None if one is None else NOW - timedelta(minutes=one) for one in (since, until)]
    async with past(tmp_path, 12) as (_, lists):
        page = await lists.page("default", ListFilter(window=Window(since=ago[0], until=ago[1])), None, 50)
    expected = [
        minutes
        for minutes in range(12)
        if minutes != 9 and (since is None or minutes <= since) and (until is None or minutes > until)
    ]
    assert [12 - one["seq"] for one in page.items] == expected


@pytest.mark.parametrize(
    ("by", "places"), [("model", [4]), ("planner", [1]), ("reflex", [2]), ("operator", [5]), (None, [5, 4, 2, 1])]
)
async def test_runs_are_found_by_who_decided(tmp_path: Path, by: run_lists.By | None, places: list[int]) -> None:
    async with past(tmp_path, 5) as (database, lists):
        for place, who in ((1, "planner"), (2, "reflex"), (4, "gpt-x")):
            await _decided(database, place, "t", who)
        await _decided(database, 5, "t", "operator")
        await database.write(
            lambda found: found.execute(
                decisions.update().where(decisions.c.run == f"{5:026d}").values(decided_by="planner")
            )
        )
        page = await lists.page("default", ListFilter(by=by), None, 9)
        told = [one["seq"] for one in page.items]
    assert told == (places if by != "planner" else [5, 1])


async def test_lines_say_what_was_done_and_what_is_waited_for(tmp_path: Path) -> None:
    script = Script([[call("look_up"), call("book_call"), call("pay_back", amount=5)]])
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["book_call"] = [dies]
        run = await company.handle()
        lists = company.segue.desk.lists
        (shown,) = (await lists.page("default", ListFilter(status="waiting"), None, 5)).items
        assert shown["effects"] == [("look_up", "done"), ("book_call", "unknown")]
        assert shown["waits_for"] == [("call", "pay_back")]
        assert await lists.again("default", [run["id"], "no such run"]) == [shown]
        assert await lists.again("other", [run["id"]]) == []


async def test_subjects_that_begin_so_are_named_each_once(tmp_path: Path) -> None:
    async with past(tmp_path, 12) as (_, lists):
        assert await lists.subjects_from("default", "c-", 3) == ["c-0", "c-1", "c-2"]
        assert await lists.subjects_from("default", "x%", 3) == []
        assert await lists.subjects_from("other", "c-", 3) == ["c-3"]


async def test_the_mark_of_a_run_is_another_one_after_each_thing_that_happens(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pay_back", amount=5)]])) as company:
        run = await company.handle()
        lists = company.segue.desk.lists
        marks = [await lists.mark(run["id"])]
        assert await lists.mark(run["id"]) == marks[0]
        await company.segue.answer("default", (await company.approval())["id"], GivenAnswer(approved=True))
        await company.ended(run["id"])
        while (await company.segue.run("default", run["id"]))["status"] != "done":
            await company.ended(run["id"])
        marks.append(await lists.mark(run["id"]))
        await company.send(type="customer.stayed", id="o-1", loyalty=1)
        while not (await company.segue.run("default", run["id"]))["outcomes"]:
            await company.ended(run["id"])
        marks.append(await lists.mark(run["id"]))
    assert len(set(marks)) == 3


def plans(connection: Connection, work: Callable[[Connection], object], explain: str) -> list[str]:
    """How the database carries out the statements of some work."""
    told: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, given: Any, ___: object, ____: bool) -> None:
        told.append((statement, given))

    event.listen(connection, "before_cursor_execute", note)
    work(connection)
    event.remove(connection, "before_cursor_execute", note)
    return [
        str(row[-1])
        for statement, given in told
        for row in connection.exec_driver_sql(f"{explain} {statement}", given).all()
    ]


LISTS = [
    *(RunFilter(**one) for one in ({}, {"status": "done"}, {"event_type": "order"}, {"subject": "c-1"})),
    *(RunFilter(source="/shop", **one) for one in ({}, {"status": "failed"}, {"subject": "c-1"})),
    RunFilter(status="done", event_type="order"),
    RunFilter(status="done", subject="c-1", event_type="order"),
]


@pytest.mark.parametrize("cursor", [None, f"{9:026d}"])
@pytest.mark.parametrize("wanted", LISTS, ids=str)
async def test_no_list_sorts_the_runs_it_pages_through(tmp_path: Path, wanted: RunFilter, cursor: str | None) -> None:
    same = ListFilter(status=wanted.status, event_type=wanted.event_type, subject=wanted.subject, source=wanted.source)

    def work(connection: Connection) -> None:
        queries.list_runs(connection, "default", wanted, cursor, 3)
        run_lists.find(connection, "default", same, 9, 3)

    async with past(tmp_path, 12) as (database, _):
        found = await database.read(lambda connection: plans(connection, work, "EXPLAIN QUERY PLAN"))
    assert any("runs" in one for one in found)
    # What was done in the few runs of a page may be sorted, and is.
    assert [one for one in found if "B-TREE" in one and "LAST" not in one and "ORDER BY" in one] == []


async def test_no_list_sorts_the_runs_on_postgresql(postgres_url: str) -> None:
    url = new_database(postgres_url, "run_order")
    database = Database(url)
    await database.open()
    await database.write(lambda connection: _write(connection, 20_000), long=True)
    await database.write(lambda connection: connection.execute(text("ANALYZE")), long=True)
    # Of a status that no run has it sorts none.
    for wanted in (one for one in LISTS if one.status != "failed"):
        listing = partial(queries.list_runs, tenant="default", wanted=wanted, cursor=None, limit=50)
        found = await database.read(partial(plans, work=listing, explain="EXPLAIN"))
        assert [one for one in found if "Sort" in one] == [], wanted
    await database.aclose()


async def test_the_list_of_the_api_goes_on_past_what_it_has_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "LOOKED_AT", 10)
    async with past(tmp_path, 35) as (database, _):
        await database.write(
            lambda connection: connection.execute(update(runs).where(runs.c.seq == 2).values(source="/rare"))
        )
        found: list[str] = []
        cursor: str | None = None
        pages = 0
        while pages == 0 or cursor is not None:
            listing = partial(queries.list_runs, tenant="default", wanted=RunFilter(source="/rare"), limit=5)
            page = await database.read(partial(listing, cursor=cursor))
            found, cursor, pages = [*found, *(one["id"] for one in page.items)], page.next, pages + 1
    assert (found, pages) == ([f"{2:026d}"], 4)


async def test_a_page_goes_on_where_its_last_run_was_also_after_that_was_pruned(tmp_path: Path) -> None:
    async with past(tmp_path, 12) as (database, _):
        first = await database.read(lambda one: queries.list_runs(one, "default", RunFilter(), None, 4))
        await database.write(lambda connection: connection.execute(delete(runs).where(runs.c.id == first.next)))
        second = await database.read(lambda one: queries.list_runs(one, "default", RunFilter(), first.next, 4))
    assert [int(one["id"]) for one in second.items] == [8, 7, 6, 5]


async def test_figures_of_a_day_look_at_no_older_runs(tmp_path: Path) -> None:
    day = Window(since=NOW - timedelta(minutes=5))
    async with past(tmp_path, 40) as (database, _):
        counting = partial(figures.counts, tenant="default", window=day)
        found = await database.read(partial(plans, work=counting, explain="EXPLAIN QUERY PLAN"))
        counted = await database.read(counting)
    assert counted.runs == {"done": 6}
    assert [one for one in found if one.startswith("SCAN") or "(tenant=?)" in one] == []
