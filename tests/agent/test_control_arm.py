"""Some runs decide without memory, so that what memory does is measured; where it does harm it is switched off."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.arms import draw, sways
from agent.errors import NotFound
from agent.service import GivenAnswer
from agent.store import comparing
from agent.store.comparing import GradedRun
from agent.store.queries import Shown
from agent.types import Call, Decision, Event, Question, Situation
from memory.recall import Memory, MemoryUnavailable
from memory.types import ActionEvidence
from tests.agent.company import PORTFOLIO, Company, Script, call, open_company, raw
from tests.agent.conftest import new_database
from tests.agent.deciders.chat_situations import situation
from tests.agent.test_habits import BARE
from tests.agent.test_outcomes import joined

TYPE = "customer.upset"
MESSAGES = ("the parcel is late", "nobody answers my letters", "the lamp is broken", "I was billed twice")


def with_control(share: float, portfolio: str = PORTFOLIO) -> str:
    """The portfolio with a control arm."""
    return portfolio.replace("    allow: [know", f"    learning: {{control: {share}}}\n    allow: [know")


def event(number: int) -> Event:
    return Event(
        source="/shop", id=f"e-{number}", type=TYPE, subject="c-1", time=datetime(2026, 1, 1, tzinfo=UTC), data={}
    )


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company in which calling customers went well, and pausing their mail did not."""
    folder = tmp_path_factory.mktemp("past")

    async def live() -> None:
        script = Script([[call("book_call")]])
        async with open_company(folder, script, with_control(0)) as company:
            for tool, loyalty in (("book_call", 1.0), ("pause_mail", 0.0)):
                script.entries[0] = [call(tool)]
                await handle(company, tool, 12)
                await grade(company, tool, {f"{tool}-{number}": loyalty for number in range(12)})

    asyncio.run(live())
    return folder


@pytest.fixture
def seeded(past: Path, tmp_path: Path) -> Path:
    """The same company again, its own."""
    return shutil.copytree(past, tmp_path, dirs_exist_ok=True)


async def handle(company: Company, name: str, count: int) -> list[Shown]:
    """So many upset customers at once, and their runs."""
    events = [
        raw(f"{name}-{number}", id=f"e-{name}-{number}", type=TYPE, message=MESSAGES[number % 4])
        for number in range(count)
    ]
    accepted = await company.segue.accept("default", events)
    return [await company.ended(one.run or "") for one in accepted]


async def grade(company: Company, name: str, loyalty: dict[str, float]) -> None:
    """Outcomes for these customers, until all are joined."""
    events = [
        raw(subject, id=f"o-{name}-{subject}", type="customer.stayed", loyalty=earned)
        for subject, earned in loyalty.items()
    ]
    await company.segue.accept("default", events)
    while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
        await asyncio.sleep(0.02)


def called(run: Shown) -> str:
    """The one tool that a run called."""
    (only,) = {effect["tool"] for effect in run["effects"]}
    return str(only)


def by_arm(runs: list[Shown]) -> dict[str, Counter[str]]:
    """Which tools the runs of each arm called."""
    found: dict[str, Counter[str]] = {"memory": Counter(), "control": Counter()}
    for run in runs:
        found[run["arm"]][called(run)] += 1
    return found


async def switched(company: Company) -> Shown:
    """The one switch, once there is one."""
    while not (found := await company.segue.switches.list("default")):
        await asyncio.sleep(0.02)
    (only,) = found
    return only


async def uplift(company: Company) -> Shown:
    (only,) = await company.segue.uplifts.list("default", TYPE)
    return only


def told(run: Shown) -> Any:
    """What was decided in a run, and what was weighed for it."""
    return [(one["kind"], one["reason"], one["candidates"], one["calls"][:1]) for one in run["decisions"]]


async def test_memory_whose_advice_is_punished_ends_up_switched_off(
    seeded: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_company(seeded, None, with_control(0.5)) as company:
        runs = await handle(company, "drift", 80)
        arms = by_arm(runs)
        assert set(arms["memory"]) == {"book_call"}
        assert set(arms["control"]) == {"pause_mail"}
        assert all(run["swayed"] for run in runs)
        assert await company.segue.health() == {}
        # The world has changed: what memory proposes is what customers leave for now.
        earned = {run["event"]["subject"]: float(called(run) == "pause_mail") for run in runs}
        with caplog.at_level(logging.WARNING):
            await grade(company, "drift", earned)
            switch = await switched(company)
        assert (switch["type"], switch["state"], switch["by"]) == (TYPE, "off", "segue")
        assert "memory does harm: it changes the mean reward by -1.000 to -0." in switch["reason"]
        assert "memory is switched off for event type 'customer.upset'" in caplog.text
        assert await company.segue.health() == {
            f"memory.{TYPE}": "memory is switched off for it (see 'segue memory uplift')"
        }
        # What was compared before the switch counts for no further verdict.
        after = await uplift(company)
        assert after["memory"] == switch
        assert (after["graded"], after["verdict"]) == ({"memory": 0, "control": 0}, "unknown")
    async with open_company(seeded, None, with_control(0)) as company:
        without = await handle(company, "after", 8)
        assert {run["arm"] for run in without} == {"control"}
        assert all(run["evidence"] == [] for run in without)
    async with open_company(seeded / "other", None, memory=False) as never:
        plain = await handle(never, "after", 8)
    assert [told(run) for run in without] == [told(run) for run in plain]


async def test_memory_that_helps_stays_on(seeded: Path) -> None:
    async with open_company(seeded, None, with_control(0.5)) as company:
        runs = await handle(company, "same", 80)
        await grade(company, "same", {run["event"]["subject"]: float(called(run) == "book_call") for run in runs})
        found = await uplift(company)
        arms = by_arm(runs)
        assert await company.segue.switches.list("default") == []
        assert await company.segue.health() == {}
        assert (await company.handle("c-new", id="e-new", message=MESSAGES[0]))["status"] == "done"
    assert found["verdict"] == "help"
    assert found["memory"] == {"type": TYPE, "state": "on", "by": None, "reason": None, "since": None}
    assert found["runs"] == found["graded"] == {arm: counted.total() for arm, counted in arms.items()}
    assert found["reward"] == {"memory": 1.0, "control": 0.0}
    assert (found["control"], found["share_swayed"], found["difference"]) == (0.5, 1.0, 1.0)
    assert found["anytime_interval"]["low"] > 0


async def test_while_memory_is_off_the_share_alone_decides_with_it(seeded: Path) -> None:
    async with open_company(seeded, None, with_control(0.25)) as company:
        before = by_arm(await handle(company, "on", 40))
        await company.segue.switches.switch("default", TYPE, "off", by="ann", reason="we doubt it")
        off = by_arm(await handle(company, "off", 40))
        found = await uplift(company)
        await company.segue.switches.switch("default", TYPE, "on", by="ann", reason=None)
        again = by_arm(await handle(company, "again", 40))
    for arms in (before, again):
        assert arms["memory"].total() > 20 > arms["control"].total() > 0
    assert off["control"].total() > 20 > off["memory"].total() > 0
    assert set(off["control"]) == {"pause_mail"}
    assert set(off["memory"]) == {"book_call"}
    assert found["runs"] == {arm: counted.total() for arm, counted in off.items()}


async def test_without_a_control_arm_every_run_has_memory_and_nothing_is_compared(seeded: Path) -> None:
    async with open_company(seeded, None) as company:
        runs = await handle(company, "c", 10)
        found = await uplift(company)
    assert {(run["arm"], run["swayed"], called(run)) for run in runs} == {("memory", None, "book_call")}
    # Those of the scripted beginning were all given memory too.
    assert found["runs"] == {"memory": 34, "control": 0}
    assert (found["control"], found["difference"], found["verdict"]) == (0.0, None, "unknown")


async def test_the_control_arm_sees_no_evidence_and_the_episode_keeps_its_arm(tmp_path: Path) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script, with_control(0.5)) as company:
        for number in range(12):
            await company.handle(f"c-{number}", id=f"e-{number}", message=MESSAGES[0])
            await company.send(f"c-{number}", id=f"o-{number}", type="customer.stayed", loyalty=0.9)
            await joined(company.segue)
        page = await company.segue.memories.episodes("default", None, 20)
        runs = [await company.segue.run("default", one["id"]) for one in page.items]
    arms = {one["id"]: one["arm"] for one in page.items}
    assert {run["id"]: run["arm"] for run in runs} == arms
    assert set(arms.values()) == {"memory", "control"}
    saw = {situation.run: bool(situation.evidence) for situation in script.seen}
    assert {saw[run] for run, arm in arms.items() if arm == "control"} == {False}
    # The first run found nothing to recall; what a script does with evidence, no shadow can say.
    assert [one["swayed"] for one in page.items] == [False] + [None] * 11
    assert [saw[run] for run, arm in list(arms.items())[1:] if arm == "memory"] == [True] * (
        Counter(list(arms.values())[1:])["memory"]
    )


async def test_the_control_arm_knows_no_habits_either(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await handle(company, "c", 10)
        await grade(company, "c", {f"c-{number}": 0.9 for number in range(10)})
    async with open_company(tmp_path, None, with_control(0.5, BARE)) as company:
        runs = await handle(company, "new", 12)
    assert {(run["arm"], run["status"], run["swayed"]) for run in runs} == {
        ("memory", "done", True),
        ("control", "waiting", True),
    }


async def test_a_run_in_which_memory_changes_nothing_is_not_swayed(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, with_control(0.5)) as company:
        await handle(company, "first", 6)
        await grade(company, "first", {f"first-{number}": 0.9 for number in range(6)})
        runs = await handle(company, "then", 12)
        found = (await company.segue.memories.episodes("default", None, 50)).items
    assert {(run["arm"], run["swayed"], called(run)) for run in runs} == {
        ("memory", False, "pause_mail"),
        ("control", False, "pause_mail"),
    }
    assert [bool(run["evidence"]) for run in runs] == [run["arm"] == "memory" for run in runs]
    assert {one["swayed"] for one in found} == {False}


async def test_the_arms_are_compared_up_to_the_first_decision_that_differs(seeded: Path) -> None:
    looks_first = PORTFOLIO.replace(
        "    playbook:\n", "    playbook:\n      - {purpose: look up what is known of the customer, step: know}\n"
    )
    async with open_company(seeded, None, with_control(0.5, looks_first)) as company:
        runs = await handle(company, "c", 12)
    for run in runs:
        assert [one["tool"] for one in run["decisions"][0]["calls"]] == ["look_up"]
        assert [decision["swayed"] for decision in run["decisions"]][:2] == [False, True]
        assert {decision["swayed"] for decision in run["decisions"][2:]} == {None}
        assert run["swayed"] is True
    assert {run["arm"] for run in runs} == {"memory", "control"}


async def test_one_more_outcome_is_not_one_more_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    read = comparing.graded

    def counted(*given: Any) -> tuple[GradedRun, ...]:
        found = read(*given)
        looks.append(len(found))
        return found

    async with open_company(tmp_path, Script([]), with_control(0.5)) as company:
        await handle(company, "c", 112)
        monkeypatch.setattr(comparing, "graded", counted)
        await grade(company, "c", {f"c-{number}": 0.5 for number in range(101)})
        for number in range(101, 107):
            await grade(company, f"late-{number}", {f"c-{number}": 0.5})
        while looks[-1] < 107:
            await asyncio.sleep(0.02)
    assert looks == [101, 104, 107]


async def test_where_memory_cannot_be_asked_nobody_says_what_it_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise MemoryUnavailable("the index is away")

    monkeypatch.setattr(Memory, "near", away)
    async with open_company(tmp_path, None, with_control(0.5)) as company:
        runs = await handle(company, "c", 12)
    assert {(run["arm"], run["swayed"], run["decisions"][0]["degraded"]) for run in runs} == {
        ("memory", None, "the index is away"),
        ("control", None, None),
    }


async def test_a_run_keeps_its_arm_when_memory_is_switched_off_meanwhile(tmp_path: Path) -> None:
    script = Script([[call("pay_back", amount=5)], [call("pause_mail")]])
    async with open_company(tmp_path, script, with_control(0)) as company:
        waiting = await company.handle()
        await company.segue.switches.switch("default", TYPE, "off", by="ann", reason=None)
    async with open_company(tmp_path, script, with_control(0.5)) as company:
        approval = await company.approval()
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=True))
        while (run := await company.segue.run("default", waiting["id"]))["status"] != "done":
            await asyncio.sleep(0.02)
    assert [one["arm"] for one in run["decisions"]] == ["memory", "memory", "memory"]


async def test_switches_are_idempotent_and_per_tenant_and_outlive_a_restart(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        switches = company.segue.switches
        untouched = await switches.switch("default", TYPE, "on", by="ann", reason=None)
        assert (untouched["state"], untouched["since"]) == ("on", None)
        first, *others = await asyncio.gather(
            *(switches.switch("default", TYPE, "off", by=f"ann {n}", reason=f"{n}") for n in range(5))
        )
        assert others == [first] * 4
        assert await switches.list("other") == []
    async with open_company(tmp_path, Script([])) as company:
        assert await company.segue.switches.list("default") == [first]
        assert list(await company.segue.health()) == [f"memory.{TYPE}"]
        assert (await company.handle())["arm"] == "control"
        again = await company.segue.switches.switch("default", TYPE, "on", by="eva", reason="mended")
        assert (again["state"], again["by"], again["reason"]) == ("on", "eva", "mended")
        assert await company.segue.health() == {}
        assert (await company.handle(id="e-2"))["arm"] == "memory"


async def test_it_is_the_same_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    url = new_database(postgres_url, "control_arm")
    async with open_company(tmp_path, None, with_control(0.5), database_url=url) as company:
        runs = await handle(company, "c", 10)
        await grade(company, "c", {f"c-{number}": 0.9 for number in range(10)})
        runs += await handle(company, "d", 10)
        found = await uplift(company)
        first, *others = await asyncio.gather(
            *(company.segue.switches.switch("default", TYPE, "off", by=f"ann {n}", reason=None) for n in range(4))
        )
        assert others == [first] * 3
        assert (await uplift(company))["runs"] == {"memory": 0, "control": 0}
        assert (await company.segue.switches.switch("default", TYPE, "on", by="ann", reason=None))["state"] == "on"
    assert {(run["arm"], run["swayed"]) for run in runs} == {("memory", False), ("control", False)}
    assert found["runs"] == dict(Counter(run["arm"] for run in runs))
    assert found["graded"] == dict(Counter(run["arm"] for run in runs[:10]))
    assert found["reward"]["memory"] == pytest.approx(0.9)


async def test_harm_found_before_an_operator_switched_does_not_undo_that(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        switches = company.segue.switches
        await switches.switch("default", TYPE, "off", by="ann", reason=None)
        await switches.switch("default", TYPE, "on", by="ann", reason=None)
        await switches.stop_harm("default", TYPE, "an old finding", None)
        (only,) = await switches.list("default")
    assert (only["state"], only["by"]) == ("on", "ann")


async def test_an_unknown_type_is_said_with_the_nearest(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        for asked in (
            company.segue.switches.switch("default", "customer.upsett", "off", by="ann", reason=None),
            company.segue.uplifts.list("default", "customer.upsett"),
        ):
            with pytest.raises(NotFound, match=r"Did you mean 'customer\.upset'\?"):
                await asked
        assert await company.segue.switches.list("default") == []


async def test_a_segue_without_memory_draws_no_arms(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([]), with_control(0.5), memory=False) as company:
        run = await company.handle()
        found = await uplift(company)
    assert (run["arm"], run["swayed"]) == (None, None)
    assert found["runs"] == {"memory": 0, "control": 0}


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_arms_are_drawn_at_the_share_and_the_other_way_round_while_memory_is_off(share: float) -> None:
    drawn = [
        (draw(share, "t", event(n), memory_off=False), draw(share, "t", event(n), memory_off=True))
        for n in range(4_000)
    ]
    assert sum(on.arm == "control" for on, _ in drawn) / 4_000 == pytest.approx(share, abs=0.025)
    assert all(on.arm != off.arm for on, off in drawn)
    assert {(on.memory_share, off.memory_share) for on, off in drawn} == {(1 - share, share)}


def test_the_draw_depends_on_tenant_source_and_id_alone() -> None:
    def arms(tenant: str, **changes: Any) -> list[str]:
        return [draw(0.5, tenant, replace(event(n), **changes), memory_off=False).arm for n in range(64)]

    assert arms("t") == arms("t", subject="c-9", data={"x": 1})
    assert len({tuple(one) for one in (arms("t"), arms("u"), arms("t", source="/desk"))}) == 3


async def test_memory_sways_where_the_other_arm_wants_other_tools_or_says_something_else() -> None:
    script = Script([[call("pause_mail", customer="c-1", days=7)]])

    async def swayed(decision: Decision) -> bool | None:
        return await sways(script, decision, _situation(), replace(_situation(), evidence={}))

    def acts(*calls: Call) -> Decision:
        return Decision(kind="act", reason="", calls=calls, decided_by="x")

    assert await swayed(acts(call("pause_mail"))) is False
    assert await swayed(acts(call("book_call"))) is True
    assert await swayed(acts(call("pause_mail"), call("book_call"))) is True
    assert await swayed(acts(replace(call("pause_mail"), action="pause_mail[days=7]"))) is True
    asks = Question(text="?", options=(call("pause_mail"),))
    assert await swayed(Decision(kind="ask", reason="", question=asks, decided_by="x")) is True
    assert await sways(None, acts(), _situation(), replace(_situation(), evidence={})) is None
    assert await sways(None, acts(), _situation(), _situation()) is False
    assert await sways(script, acts(), _situation(), None) is None


def _situation() -> Situation:
    return situation(
        evidence={"pause_mail": ActionEvidence(action="pause_mail", success=1, failure=0, episodes=("r",))}
    )
