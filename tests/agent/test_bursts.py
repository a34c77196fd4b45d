"""How runs wait: windows, delays, time to live, priorities, turns, concurrency, rates, tries; and cancelling."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.errors import Conflict, NotFound
from agent.ids import new_id
from agent.portfolio.model import Debounce, Queueing, Rate
from agent.store.database import Database
from agent.store.inbox import Accepted, Incoming, accept
from agent.store.queue import claim
from agent.store.runs import load
from agent.types import DeciderError, Event
from tests.agent.company import PORTFOLIO, Script, call, open_company, raw

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> Store:  # type: ignore[misc]
    """An empty one."""
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await database.open()
    yield Store(database)
    await database.aclose()


class Store:
    """A store whose time is the caller's."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.queueing: dict[str, Queueing] = {}

    async def send(
        self, id: str, *, type: str = "t", subject: str = "s", source: str = "/a", at: float = 0
    ) -> Accepted:
        """An event that comes `at` seconds after the beginning."""
        event = Event(source=source, id=id, type=type, subject=subject, time=NOW, data={"n": id})
        queueing = self.queueing.get(type, Queueing())
        incoming = Incoming(event=event, body_hash="", kind="run", new_id=new_id(), queueing=queueing)
        (accepted,) = await self.database.write(lambda connection: accept(connection, "me", [incoming], moment(at)))
        return accepted

    async def start(self, at: float = 0, most: int = 64) -> list[list[str]]:
        """What is started then: of each run its events."""
        claimed = await self.database.write(lambda connection: claim(connection, "w", self.queueing, moment(at), most))
        return [await self.events(start.run) for start in claimed.starts]

    async def events(self, run: str) -> list[str]:
        """The ids of a run's events."""
        row = await self.database.read(lambda connection: load(connection, run))
        return [event.id for event in row.events]


def moment(at: float) -> datetime:
    """So many seconds after the beginning."""
    return NOW + timedelta(seconds=at)


def flat(started: Sequence[Sequence[str]]) -> list[str]:
    """Ids of events, in the order their runs were started."""
    return [one for run in started for one in run]


async def test_events_that_come_close_together_are_one_run_that_has_all_of_them(store: Store) -> None:
    store.queueing = {"t": Queueing(debounce=Debounce(quiet_s=10, longest_s=25))}
    runs = [(await store.send(name, at=at)).run for name, at in (("a", 0), ("b", 8), ("c", 16))]
    assert len(set(runs)) == 1
    assert await store.start(at=24.9) == []
    # Quiet would have lasted until 26; the first of them has waited long enough.
    assert await store.start(at=25) == [["a", "b", "c"]]
    later = await store.send("d", at=26)
    assert later.run not in runs


async def test_a_redelivery_into_a_window_is_the_same_run_and_moves_nothing(store: Store) -> None:
    store.queueing = {"t": Queueing(debounce=Debounce(quiet_s=10, longest_s=60))}
    first = await store.send("a", at=0)
    again = await store.send("a", at=9)
    assert (again.duplicate, again.run) == (True, first.run)
    assert await store.start(at=10) == [["a"]]


async def test_another_event_of_the_subject_ends_the_window_so_that_order_holds(store: Store) -> None:
    store.queueing = {"t": Queueing(debounce=Debounce(quiet_s=10, longest_s=60))}
    await store.send("a")
    await store.send("b")
    await store.send("other", type="u")
    await store.send("elsewhere", type="u", subject="s2")
    assert await store.start(at=1) == [["a", "b"], ["elsewhere"]]


async def test_a_delayed_run_takes_its_place_when_its_delay_is_over_and_blocks_nobody_before(store: Store) -> None:
    store.queueing = {"late": Queueing(delay_s=30)}
    await store.send("later", type="late")
    await store.send("now")
    assert await store.start(at=0) == [["now"]]
    assert await store.start(at=31) == []
    await store.send("there", type="late", subject="s2", at=1)
    assert await store.start(at=31) == [["there"]]


async def test_a_run_that_could_not_start_in_time_is_stopped_and_the_next_goes_on(store: Store) -> None:
    store.queueing = {"t": Queueing(ttl_s=5)}
    await store.send("first")
    second = await store.send("second")
    third = await store.send("third", type="u")
    assert await store.start(at=1) == [["first"]]
    await store.database.write(lambda connection: claim(connection, "w", {}, moment(6), 64))
    row = await store.database.read(lambda connection: load(connection, second.run or ""))
    assert row.status == "stopped"
    assert (await store.database.read(lambda connection: load(connection, third.run or ""))).status == "queued"


async def test_of_many_that_are_too_late_none_starts_and_all_are_stopped_bit_by_bit(store: Store) -> None:
    store.queueing = {"t": Queueing(ttl_s=5)}
    late = [(await store.send(f"late-{number}", subject=f"s{number}")).run or "" for number in range(45)]
    await store.send("fresh", subject="fresh", at=4)
    looks = 0
    started: list[str] = []
    look_again = moment(6)
    while look_again <= moment(6):
        claimed = await store.database.write(lambda connection: claim(connection, "w", {}, moment(6), 64))
        started += [start.run for start in claimed.starts]
        looks += 1
        look_again = claimed.look_again_at or moment(100)
    rows = [await store.database.read(lambda connection, run=run: load(connection, run)) for run in late]  # type: ignore[misc]
    assert {row.status for row in rows} == {"stopped"}
    assert len(started) == 1
    assert looks > 1


async def test_priorities_go_first_and_sources_take_turns(store: Store) -> None:
    store.queueing = {"urgent": Queueing(priority=5)}
    for number in range(20):
        await store.send(f"many-{number}", subject=f"m{number}", source="/many")
    for number in range(2):
        await store.send(f"few-{number}", subject=f"f{number}", source="/few")
    await store.send("urgent", type="urgent", subject="u", source="/many")
    started = flat(await store.start(most=5))
    assert started[0] == "urgent"
    assert sorted(started[1:]) == ["few-0", "few-1", "many-0", "many-1"]
    # Who comes later is not behind the whole of what waits, nor before those whose turn it is.
    await store.send("new", subject="n", source="/new")
    assert "new" in flat(await store.start(most=3))


async def test_no_more_runs_of_a_type_go_at_once_than_it_may_and_others_pass(store: Store) -> None:
    store.queueing = {"t": Queueing(concurrency=2)}
    for number in range(5):
        await store.send(f"t{number}", subject=f"s{number}")
    await store.send("u", type="u", subject="x")
    assert flat(await store.start()) == ["t0", "t1", "u"]
    assert await store.start() == []


async def test_a_rate_lets_so_many_start_and_says_when_the_next_may(store: Store) -> None:
    store.queueing = {"t": Queueing(rate=Rate(starts=2, per_s=60))}
    for number in range(4):
        await store.send(f"t{number}", subject=f"s{number}")
    assert flat(await store.start(at=0)) == ["t0", "t1"]
    claimed = await store.database.write(lambda connection: claim(connection, "w", store.queueing, moment(10), 64))
    assert (claimed.starts, claimed.look_again_at) == ((), moment(30))
    assert flat(await store.start(at=30)) == ["t2"]
    assert flat(await store.start(at=600)) == ["t3"]


async def test_a_run_whose_decider_fails_is_tried_again_and_then_is_a_dead_letter(tmp_path: Path) -> None:
    down = DeciderError("model_unavailable", "nobody there")
    async with open_company(tmp_path, Script([down])) as company:
        run = await company.handle("c-1")
        assert (run["status"], run["end"]["code"]) == ("failed", "model_unavailable")
        letter = await company.segue.dead.show("default", run["id"])
        assert [one["attempt"] for one in letter["history"]] == [1, 2, 3]


async def test_a_replayed_dead_letter_goes_on_from_what_was_done(tmp_path: Path) -> None:
    down = DeciderError("model_unavailable", "nobody there")
    script = Script([[call("pause_mail")], down])
    async with open_company(tmp_path, script) as company:
        run = await company.handle("c-1")
        assert run["status"] == "failed"
        script.entries[1] = [call("book_call")]
        for _ in range(2):
            await company.segue.dead.replay("default", run["id"], by="ann")
        while (run := await company.ended(run["id"]))["status"] == "failed":
            await asyncio.sleep(0.01)
        assert (run["status"], len(company.ledger.of("pause_mail")), len(company.ledger.of("book_call"))) == (
            "done",
            1,
            1,
        )


async def test_a_paused_tool_holds_its_run_until_it_is_resumed(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await company.segue.pauses.pause("default", "tool", "pause_mail", by="ann", reason="broken")
        run = await company.send("c-1")
        while (await company.segue.run("default", run))["held"] != "tool:pause_mail":
            await asyncio.sleep(0.01)
        assert company.ledger.deliveries == []
        await company.segue.pauses.resume("default", "tool", "pause_mail", by="ann")
        assert (await company.ended(run))["status"] == "done"
        assert len(company.ledger.of("pause_mail")) == 1


async def test_a_paused_event_type_starts_no_run_and_a_cancelled_one_ends_all_the_same(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await company.segue.pauses.pause("default", "event", "customer.upset", by="ann", reason=None)
        run = await company.send("c-1")
        assert (await company.segue.cancel("default", run, by="ann"))["status"] == "cancelled"
        assert (await company.segue.cancel("default", run, by="ann"))["status"] == "cancelled"
        assert company.ledger.deliveries == []


async def test_cancelling_stops_before_the_next_effect_and_waits_for_the_one_in_flight(tmp_path: Path) -> None:
    script = Script([[call("pause_mail")], [call("book_call")]])
    async with open_company(tmp_path, script) as company:
        called, go_on = asyncio.Event(), asyncio.Event()

        async def hang() -> None:
            called.set()
            await go_on.wait()

        company.ledger.faults["pause_mail"] = [hang]
        run = await company.send("c-1")
        await called.wait()
        assert (await company.segue.cancel("default", run, by="ann"))["status"] == "running"
        go_on.set()
        shown = await company.ended(run)
        page = await company.segue.memories.episodes("default", None, 9)
    assert (shown["status"], shown["end"]) == ("cancelled", {"code": "cancelled", "detail": "by ann"})
    assert [effect["state"] for effect in shown["effects"]] == ["done"]
    assert company.ledger.of("book_call") == []
    assert [action["action"] for action in page.items[0]["actions"]] == ["pause_mail"]


async def test_a_waiting_run_can_be_cancelled_and_an_ended_or_unknown_one_cannot(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pay_back", amount=5)]])) as company:
        run = await company.handle("c-1")
        assert run["status"] == "waiting"
        await company.segue.cancel("default", run["id"], by="ann")
        while (run := await company.ended(run["id"]))["status"] == "waiting":
            await asyncio.sleep(0.01)
        assert (run["status"], run["approvals"][0]["state"]) == ("cancelled", "rejected")
        assert company.ledger.deliveries == []
        with pytest.raises(NotFound):
            await company.segue.cancel("default", "nobody", by="ann")
    async with open_company(tmp_path, Script([[]])) as company:
        run = await company.handle("c-2", id="e-2")
        with pytest.raises(Conflict):
            await company.segue.cancel("default", run["id"], by="ann")


async def test_a_decider_sees_all_events_of_a_window(tmp_path: Path) -> None:
    debounced = PORTFOLIO.replace("    text:", "    queue: {debounce: {quiet: 1s, longest: 1m}}\n    text:", 1)
    script = Script([[]])
    async with open_company(tmp_path, script, debounced) as company:
        events = [raw("c-1", id=f"e-{number}", message=f"call {number}") for number in range(3)]
        accepted = await company.segue.accept("default", events)
        run = await company.ended(accepted[0].run or "")
    assert len({one.run for one in accepted}) == 1
    assert [event.data["message"] for event in script.seen[0].events] == ["call 0", "call 1", "call 2"]
    assert (script.seen[0].event.id, script.seen[0].text) == ("e-2", "call 0\ncall 1\ncall 2")
    assert (run["events"], [one["id"] for one in run["gathered"]]) == (3, ["e-0", "e-1", "e-2"])
