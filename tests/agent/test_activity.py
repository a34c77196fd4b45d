"""Who did what: one line for each act, in the act's own transaction, kept as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from agent.activity import Activity
from agent.acts import Thing
from agent.doors import BY_ITSELF, Doer, doer, through
from agent.errors import Conflict, NotFound, Refused
from agent.judging import GivenOutcome, thumb
from agent.pausing import Pauses
from agent.service import GivenAnswer
from agent.settings_told import differences
from agent.store import activity as lines
from agent.store.activity import ActivityFilter
from agent.store.database import Database
from agent.store.queries import Shown
from agent.store.tables import activity, episodes
from agent.types import Question
from tests.agent.company import Company, Script, call, dies, open_company, raw
from tests.agent.conftest import new_database
from tests.agent.lesson_company import PORTFOLIO_OF_LESSONS, Told, distil, lives, rightly
from tests.agent.letters import NOW, dead_letter, store

ANY = ActivityFilter()
HOSTILE = "<img src=x onerror=alert(1)>\x00\ud800=cmd()"


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A store of either kind, with no line in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'segue.sqlite'}"
    else:
        url = new_database(request.getfixturevalue("postgres_url"), f"activity_{abs(hash(request.node.name))}")
    async with store(url) as opened:
        yield opened


def by(name: str = "ann", *, tenant: str = "default", at: datetime = NOW) -> Doer:
    """Somebody at the API."""
    with through("api"):
        return doer(tenant, name, at)


async def add(database: Database, count: int = 1, **given: Any) -> None:
    """Lines of pauses of tools `t-0`, `t-1`, ..., a second apart."""

    def work(connection: Connection) -> None:
        for number in range(count):
            one = by(**{"at": NOW + timedelta(seconds=number), **given})
            lines.write(connection, one, "paused", Thing(kind="tool", id=f"t-{number}"))

    await database.write(work)


async def told(company: Company) -> list[Shown]:
    """All lines, oldest first."""
    return (await company.segue.activity.page("default", ANY, None, 200)).items[::-1]


def brief(line: Shown) -> tuple[object, ...]:
    """Who did what to what."""
    return line["who"], line["door"], line["act"], line["kind"], line["about"]


async def yes(company: Company, **given: Any) -> str:
    """Approve what waits; its id."""
    approval = (await company.approval())["id"]
    await company.segue.answer("default", approval, GivenAnswer(approved=True, by="ann", **given))
    return str(approval)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_each_act_about_a_run_writes_one_line(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = None if kind == "sqlite" else new_database(request.getfixturevalue("postgres_url"), "acts_of_runs")
    asked = Question(text="what?", options=(call("book_call"), call("look_up")))
    script = Script([[call("pay_back", amount=5)], asked, asked])
    async with open_company(tmp_path, script, database_url=url) as company:
        company.ledger.faults["book_call"] = [dies]
        run = await company.send(amount=5)
        await company.ended(run)
        with through("api"):
            first = await yes(company, arguments={"amount": 4}, reason="less")
            await company.ended(run)
            with through("chat"):
                second = await yes(company, tool="book_call", arguments={"note": "soon"})
            key = (await company.ended(run))["effects"][-1]["key"]
            await company.segue.settle("default", key, state="failed", result=None, reason="no call", by="bob")
            await company.ended(run)
            with through("console"):
                await company.segue.cancel("default", run, by="ann")
                await company.segue.cancel("default", run, by="eve")
            for which in ("up", "up", "down"):
                await company.segue.judging.outcome("default", run, thumb(which, None, id=None, by="bob"))
        found = await told(company)
    assert [brief(one) for one in found] == [
        ("ann", "api", "approved", "approval", first),
        ("ann", "chat", "approved", "approval", second),
        ("bob", "api", "settled", "effect", key),
        ("ann", "console", "cancelled", "run", run),
        ("bob", "api", "judged", "run", run),
        ("bob", "api", "judged", "run", run),
    ]
    assert {(one["run"], one["subject"], one["event_type"]) for one in found} == {(run, "c-1", "customer.upset")}
    assert found[0]["detail"] == {"asked": "call", "tool": "pay_back", "edited": ["amount"], "reason": "less"}
    assert found[1]["detail"] == {"asked": "question", "tool": "book_call"}
    assert found[2]["detail"] == {"tool": "book_call", "state": "failed", "reason": "no call"}
    assert [one["detail"]["thumb"] for one in found[4:]] == ["up", "down"]


async def test_each_act_about_memory_and_tools_writes_one_line_and_doing_it_again_none(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("look_up")]])) as company:
        segue = company.segue
        run = (await company.handle())["id"]
        while not (await segue.memories.episodes("default", None, 9)).items:
            await asyncio.sleep(0.02)
        letter = await dead_letter(segue._database, subject="c-2")
        lost = await dead_letter(segue._database, subject="c-3")
        await segue._database.write(lambda found: found.execute(update(episodes).values(tidied="old")))
        with through("api"):
            for _ in range(2):
                await segue.pauses.pause("default", "tool", "look_up", by="ann", reason="broken")
            for _ in range(2):
                await segue.pauses.resume("default", "tool", "look_up", by="bob")
            await segue.pauses.pause("default", "all", "", by="ann", reason=None)
            for state in ("off", "off", "on", "on"):
                await segue.switches.switch("default", "customer.upset", state, by="ann", reason=None)
            for _ in range(2):
                await segue.sources.revoke("default", "/tests", by="ann", reason="lies")
            for _ in range(2):
                await segue.sources.restore("default", "/tests", by="bob", reason=None)
            for _ in range(2):
                await segue.housekeeping.keep("default", run, by="ann")
            for _ in range(2):
                await segue.dead.discard("default", lost, by="ann", reason="too old")
            for _ in range(2):
                await segue.dead.replay("default", letter, by="ann")
            sent = raw("c-9", id="by-hand")
            for _ in range(2):
                await segue.accept("default", [sent], by="ann")
            await segue.accept("default", [raw("c-9", id="by-a-system")])
        found = await told(company)
    assert [brief(one) for one in found] == [
        ("ann", "api", "paused", "tool", "look_up"),
        ("bob", "api", "resumed", "tool", "look_up"),
        ("ann", "api", "paused", "everything", ""),
        ("ann", "api", "memory_off", "event_type", "customer.upset"),
        ("ann", "api", "memory_on", "event_type", "customer.upset"),
        ("ann", "api", "source_revoked", "source", "/tests"),
        ("bob", "api", "source_restored", "source", "/tests"),
        ("ann", "api", "episode_kept", "episode", run),
        ("ann", "api", "discarded", "run", lost),
        ("ann", "api", "replayed", "run", letter),
        ("ann", "api", "event_sent", "run", found[-1]["about"]),
    ]
    before = found[1]["detail"]["before"]
    assert (found[1]["detail"]["released"], before["by"], before["reason"]) == (0, "ann", "broken")


async def test_lessons_that_were_edited_and_retired_stand_there_in_words(tmp_path: Path) -> None:
    async with open_company(tmp_path, Told(), PORTFOLIO_OF_LESSONS) as company:
        await lives(company, 10, rightly)
        lesson = (await distil(company))[0]
        edited = await company.segue.lessons.edit("default", lesson["id"], "Ring them up.", by="ann")
        with pytest.raises(Conflict):
            await company.segue.lessons.edit("default", lesson["id"], "Too late.", by="bob")
        await company.segue.lessons.retire("default", edited["id"], by="bob", reason="wrong")
        changed, retired = await told(company)
    assert brief(changed) == ("ann", BY_ITSELF, "lesson_edited", "lesson", edited["id"])
    assert (changed["detail"]["before"], changed["detail"]["after"]) == (lesson["text"], edited["text"])
    assert brief(retired) == ("bob", BY_ITSELF, "lesson_retired", "lesson", edited["id"])
    assert retired["detail"]["reason"] == "wrong"


async def test_what_fails_and_what_comes_second_writes_no_line(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pay_back", amount=5)]])) as company:
        segue = company.segue
        await company.handle(amount=5)
        approval = (await company.approval())["id"]
        with pytest.raises(Refused):
            await yes(company, arguments={"amount": "much"})
        answers = [GivenAnswer(approved=True, by=name) for name in ("ann", "bob", "eve")]
        done = await asyncio.gather(
            *(segue.answer("default", approval, one) for one in answers), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in done) == ["Conflict", "Conflict", "dict"]
        for failing in (
            segue.pauses.pause("default", "tool", "nothing", by="ann", reason=None),
            segue.sources.revoke("default", "/nowhere", by="ann", reason=None),
            segue.dead.discard("default", "none", by="ann", reason=None),
            segue.housekeeping.keep("default", "none", by="ann"),
            segue.cancel("default", "none", by="ann"),
            segue.judging.outcome("default", "none", thumb("up", None, id=None, by="ann")),
        ):
            with pytest.raises(NotFound):
                await failing
        (line,) = await told(company)
    assert brief(line)[2:] == ("approved", "approval", approval)
    assert line["who"] in {"ann", "bob", "eve"}


async def test_an_act_and_its_line_are_undone_together(database: Database) -> None:
    pauses = Pauses(database, tools=["t-0"], events=[], clock=lambda: NOW, wake=lambda: None)
    original = lines.write

    def dies_after(connection: Connection, *given: Any, **detail: Any) -> None:
        original(connection, *given, **detail)
        raise ConnectionResetError("the power went")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lines, "write", dies_after)
        with pytest.raises(ConnectionResetError):
            await pauses.pause("default", "tool", "t-0", by="ann", reason=None)
    assert await pauses.list("default") == []
    assert (await Activity(database, lambda: NOW).page("default", ANY, None, 9)).items == []


async def test_the_database_refuses_to_change_a_line_and_gives_up_only_what_is_pruned(database: Database) -> None:
    log = Activity(database, lambda: NOW)
    await add(database, 3)
    row = {"id": 1, "tenant": "default", "at": NOW, "who": "eve", "door": "api", "act": "paused", "kind": "tool"}
    row |= {"about": "t-0", "named": "", "detail": {}}
    attempts = [
        update(activity).values(who="eve"),
        delete(activity),
        text("INSERT OR REPLACE INTO activity SELECT * FROM activity WHERE id = 1")
        if database.dialect == "sqlite"
        else text("TRUNCATE activity"),
        insert(activity).values(row),
    ]
    for attempt in attempts:
        with pytest.raises(DBAPIError):
            await database.write(lambda found, one=attempt: found.execute(one))  # type: ignore[misc]
    assert [one["who"] for one in (await log.page("default", ANY, None, 9)).items] == ["ann"] * 3
    assert await database.read(lambda found: lines.count(found, NOW + timedelta(seconds=2))) == 2
    assert await database.write(lambda found: lines.remove(found, NOW + timedelta(seconds=2))) == 2
    assert [one["about"] for one in (await log.page("default", ANY, None, 9)).items] == ["t-2"]
    with pytest.raises(DBAPIError):
        await database.write(lambda found: found.execute(delete(activity)))


async def test_pages_are_whole_and_repeat_nothing_while_new_lines_come(database: Database) -> None:
    log = Activity(database, lambda: NOW)
    await add(database, 25)
    seen: list[str] = []
    cursor: int | None = None
    while True:
        found = await log.page("default", ANY, cursor, 10)
        seen += [one["about"] for one in found.items]
        await add(database, 3, name="late")
        if found.next is None:
            break
        cursor = int(found.next)
    assert seen == [f"t-{number}" for number in range(24, -1, -1)]
    newest = int((await log.page("default", ANY, None, 1)).items[0]["id"])
    assert [one["who"] for one in await log.newer("default", ANY, newest - 2, 9)] == ["late"] * 2
    batches = [len(batch) async for batch in log.all("default", ActivityFilter(who="ann"))]
    assert sum(batches) == 25


async def test_lines_are_found_by_each_filter_and_by_all_together(database: Database) -> None:
    log = Activity(database, lambda: NOW)
    await add(database, 5)
    await add(database, 2, name="bob", tenant="other")
    with through("console"):
        await log.note("default", "Bob_%", "signed_in", Thing(kind="console"))
    wanted = {
        "who": ActivityFilter(who="Bob_%"),
        "act": ActivityFilter(act="paused"),
        "door": ActivityFilter(door="console"),
        "about": ActivityFilter(kind="tool", about="t-3"),
        "since": ActivityFilter(since=NOW + timedelta(seconds=1), act="paused"),
        "until": ActivityFilter(until=NOW + timedelta(seconds=1), act="paused"),
        "words": ActivityFilter(words="OB_%"),
        "nothing": ActivityFilter(words="b__"),
        "together": ActivityFilter(who="ann", act="paused", door="api", kind="tool", words="-4", since=NOW),
    }
    found = {name: len((await log.page("default", one, None, 50)).items) for name, one in wanted.items()}
    assert found == {
        "who": 1,
        "act": 5,
        "door": 1,
        "about": 1,
        "since": 4,
        "until": 1,
        "words": 1,
        "nothing": 0,
        "together": 1,
    }
    assert set(await log.names("default")) == {"Bob_%", "ann"}
    assert await log.names("other") == ["bob"]
    assert [one["who"] for one in (await log.page("other", ANY, None, 9)).items] == ["bob", "bob"]


async def test_what_no_database_can_carry_is_replaced_and_long_texts_are_cut(database: Database) -> None:
    log = Activity(database, lambda: NOW)
    await log.note("default", HOSTILE, "source_revoked", Thing(kind="source", id=HOSTILE), reason=HOSTILE + "x" * 5_000)
    (line,) = (await log.page("default", ActivityFilter(words="<IMG src"), None, 9)).items
    assert line["who"] == line["about"] == "<img src=x onerror=alert(1)>\ufffd\ufffd=cmd()"
    assert line["detail"]["reason"] == (HOSTILE + "x" * 5_000)[: lines.LONGEST].replace("\x00", "\ufffd").replace(
        "\ud800", "\ufffd"
    )


async def test_a_start_with_other_settings_tells_every_tenant_what_changed_and_the_same_tells_nothing(
    database: Database,
) -> None:
    log = Activity(database, lambda: NOW)
    first: dict[str, Any] = {"decided_by": "planner", "goals": {"loyalty": {"weight": 1.0}}, "tools": {"call": {}}}
    second: dict[str, Any] = {"decided_by": "planner", "goals": {"loyalty": {"weight": 2.5}}, "tools": {"mail": {}}}
    for content in (first, first, second, second):
        await asyncio.gather(*(log.started(["a", "b"], content) for _ in range(2)))
    for tenant in ("a", "b"):
        later, earlier = (await log.page(tenant, ANY, None, 9)).items
        assert earlier["detail"]["changes"] == [
            "1 goal, 1 tool, 0 event types, 0 outcome types, 0 value chains, decided by planner"
        ]
        assert later["detail"]["changes"] == [
            "goal loyalty: weight 2.5, before 1",
            "tool mail added",
            "tool call removed",
        ]
        assert brief(later) == (BY_ITSELF, BY_ITSELF, "settings_changed", "portfolio", "")


def test_a_value_that_is_long_is_only_said_to_have_changed() -> None:
    before: dict[str, Any] = {"tools": {"pay": {"risk": "low", "parameters": {"sha256": "1"}, "owner": None}}}
    after: dict[str, Any] = {
        "tools": {"pay": {"risk": "high", "parameters": {"sha256": "2"}, "owner": "ann"}},
        "decided_by": "m",
    }
    assert differences(before, after) == [
        "decided by m, before by None",
        "tool pay: owner ann, before none, parameters changed, risk high, before low",
    ]


async def test_an_outcome_given_by_hand_tells_its_type_and_not_its_data(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("look_up")]])) as company:
        run = (await company.handle())["id"]
        given = GivenOutcome(type="customer.stayed", data={"loyalty": 0.75}, id="o-1", by="ann")
        for _ in range(2):
            await company.segue.judging.outcome("default", run, given)
        (line,) = await told(company)
    assert set(line["detail"]) == {"type", "outcome"}
    assert line["detail"]["type"] == "customer.stayed"


@pytest.mark.parametrize(
    "wanted",
    [
        ANY,
        ActivityFilter(who="nobody"),
        ActivityFilter(act="approved"),
        ActivityFilter(kind="run", about="none"),
        ActivityFilter(run="none"),
    ],
    ids=["any", "who", "act", "about", "run"],
)
async def test_no_listing_sorts_or_looks_through_the_whole_table(tmp_path: Path, wanted: ActivityFilter) -> None:
    plans: list[str] = []
    async with store(f"sqlite:///{tmp_path / 'segue.sqlite'}") as opened:
        await add(opened, 3)

        def look(connection: Connection) -> None:
            execute = connection.exec_driver_sql

            def explained(statement: Any, *given: Any, **more: Any) -> Any:
                compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
                with suppress(DBAPIError):
                    plans.extend(row[3] for row in execute(f"EXPLAIN QUERY PLAN {compiled}"))
                return original(statement, *given, **more)

            original = connection.execute
            connection.execute = explained  # type: ignore[method-assign]
            lines.find(connection, "default", wanted, limit=50)

        await opened.read(look)
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN activity") or "TEMP B-TREE" in plan], plans
