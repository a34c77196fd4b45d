"""What must be true of Segue, as a state machine that Hypothesis plays against the real one. Start with `SegueMachine`.

Every example is a tenant of its own, so that one open Segue serves many examples. The model is `Expected`: what was
submitted, answered and settled, in order. Deeds happen while runs are going; what must hold at any time is an
invariant, and what must hold in the end is looked at when everything has come to rest.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.errors import Conflict
from agent.events import RawEvent
from agent.service import GivenAnswer, Segue
from agent.store.pauses import Scope
from agent.store.queries import RunFilter, Shown
from tests.agent.company import dies, raw
from tests.durability.model.lives import Lives
from tests.durability.model.plans import PLANS, ByPlan, Plan

TENANTS = itertools.count()
SUBJECTS = ("c-1", "c-2")
POLL_S = 0.005
MOST = 200
"""More of anything than an example makes."""

EVENT_TYPE = "customer.upset"
PAUSABLE: tuple[tuple[Scope, str], ...] = (
    ("all", ""),
    ("event", EVENT_TYPE),
    ("tool", "look_up"),
    ("tool", "book_call"),
    ("tool", "pause_mail"),
)
WHICH = st.integers(min_value=0, max_value=11)
"""Of what there is at the moment. What is drawn must never depend on that: how far a run was when a crash came differs
from one time to the next, and Hypothesis gives up on a machine that draws something else then."""

EVENTS = st.lists(st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(PLANS)), min_size=1, max_size=4)
NOT_IDEMPOTENT = frozenset({"book_call", "pay_back"})
WRITES = frozenset({"pause_mail", "book_call", "pay_back"})


@dataclass(kw_only=True)
class Submitted:
    """An event the model knows."""

    event: RawEvent
    plan: Plan
    run: str


@dataclass(kw_only=True)
class Expected:
    """The model."""

    events: list[Submitted] = field(default_factory=list)
    """In the order they were accepted."""
    outcomes: dict[str, str | None] = field(default_factory=dict)
    """Outcome -> the run it must be joined to."""
    answers: dict[str, bool] = field(default_factory=dict)
    """Approval -> the first answer to it."""
    settled: dict[str, str] = field(default_factory=dict)
    """Effect -> how an operator settled it."""
    cancelled: dict[str, frozenset[str]] = field(default_factory=dict)
    """Run -> the effects it had when an operator cancelled it: it gets no other."""
    paused: dict[tuple[Scope, str], frozenset[str]] = field(default_factory=dict)
    """What is paused -> the effects it held up had when it was paused: there are no other until it goes on."""
    lives: int = 1


class SegueMachine(RuleBasedStateMachine):
    """Deeds in any order against one Segue over its lives; `lives` and `decider` are given before it is run."""

    lives: ClassVar[Lives]
    decider: ClassVar[ByPlan]
    examples: ClassVar[int] = 0
    events: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.tenant = f"t{next(TENANTS)}"
        self.expected = Expected()
        self.stirred = False
        """Whether anything was done in this life that a crash could spoil."""
        self.lives.begin_example()
        type(self).examples += 1
        self.began = len(self.decider.begun)
        self.delivered = len(self.lives.deliveries)
        self.lives.tools.faults.clear()

    @property
    def segue(self) -> Segue:
        """The one of this life."""
        return self.lives.segue

    # --- deeds

    @initialize(wanted=EVENTS)
    def begin(self, wanted: list[tuple[str, Plan]]) -> None:
        """No example without an event."""
        self.submit(wanted)

    @rule(wanted=EVENTS)
    def submit(self, wanted: list[tuple[str, Plan]]) -> None:
        """New events, in one delivery."""
        batch = [
            raw(subject, id=f"e-{number}", message=plan, amount=float(number))
            for number, (subject, plan) in enumerate(wanted, len(self.expected.events) + 1)
        ]
        accepted = self.lives.do(self.segue.accept(self.tenant, batch))
        for one, event, (_, plan) in zip(accepted, batch, wanted, strict=True):
            assert one.run is not None
            assert not one.duplicate
            self.expected.events.append(Submitted(event=event, plan=plan, run=one.run))
        type(self).events += len(batch)
        self.stirred = True

    @precondition(lambda self: self.expected.events)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        """A redelivery, beside a second one at the same time."""
        known = data.draw(st.sampled_from(self.expected.events))

        async def twice() -> set[tuple[str | None, bool]]:
            both = await asyncio.gather(*(self.segue.accept(self.tenant, [known.event]) for _ in range(2)))
            return {(one.run, one.duplicate) for (one,) in both}

        assert self.lives.do(twice()) == {(known.run, True)}

    @rule(subject=st.sampled_from(SUBJECTS))
    def see_outcome(self, subject: str) -> None:
        """What the business saw belongs to the latest event of the subject before it."""
        name = f"o-{len(self.expected.outcomes) + 1}"
        event = raw(subject, id=name, type="customer.stayed", loyalty=1)
        (accepted,) = self.lives.do(self.segue.accept(self.tenant, [event]))
        assert accepted.outcome is not None
        earlier = [one.run for one in self.expected.events if one.event.subject == subject]
        self.expected.outcomes[accepted.outcome] = earlier[-1] if earlier else None
        self.stirred = True

    @rule(tool=st.sampled_from(sorted(WRITES)), hangs=st.booleans())
    def break_a_tool(self, tool: str, hangs: bool) -> None:
        """The next call of the tool acts, and its answer is lost: at once, or at the next crash."""
        tools = self.lives.tools
        fault = (lambda: self.lives.hanging.hang(tools.deliveries[-1][2])) if hangs else dies
        tools.faults.setdefault(tool, []).append(fault)

    @precondition(lambda self: self.stirred)
    @rule(after=st.sampled_from([0, 1, 3, 10, 30, None]))
    def crash(self, after: int | None) -> None:
        """Once the loop has gone round so many times; None: when nothing goes on but calls that hang."""
        self.lives.do(self._rest() if after is None else _go_round(after))
        self.lives.crash()
        self._live_again()

    @precondition(lambda self: self.stirred)
    @rule()
    def restart(self) -> None:
        """In good order, which hanging calls must not hold up for ever."""
        self.lives.do(self._unhang())
        self.lives.close()
        self._live_again()

    def _live_again(self) -> None:
        self.lives.open()
        self.expected.lives += 1
        self.stirred = False

    @rule(which=WHICH, yes=st.booleans(), again=st.booleans())
    def answer(self, which: int, yes: bool, again: bool) -> None:
        """An operator answers something, perhaps for the second time; several do so at once."""
        self.stirred = True
        self.lives.do(self._rest())
        page = self.lives.do(self.segue.approvals(self.tenant, None, None, MOST))
        open_ = [
            one["id"]
            for one in page.items
            if (one["id"] in self.expected.answers) == again and one["run"] not in self.expected.cancelled
        ]
        if not open_:
            return
        approval = sorted(open_)[which % len(open_)]
        given = GivenAnswer(approved=yes)

        async def both() -> list[Any]:
            asked = (self.segue.answer(self.tenant, approval, given) for _ in range(2))
            return await asyncio.gather(*asked, return_exceptions=True)

        taken = [one for one in self.lives.do(both()) if not isinstance(one, Conflict)]
        assert not [one for one in taken if isinstance(one, BaseException)], taken
        assert len(taken) == (0 if approval in self.expected.answers else 1)
        self.expected.answers.setdefault(approval, yes)

    @rule(which=WHICH, state=st.sampled_from(["done", "failed"]))
    def settle(self, which: int, state: Literal["done", "failed"]) -> None:
        """An operator says what became of a call in doubt, and may not change his mind."""
        self.stirred = True
        self.lives.do(self._rest())
        unknown = sorted(one["key"] for one in self.lives.do(self._effects()) if one["state"] == "unknown")
        if not unknown:
            return
        key = unknown[which % len(unknown)]
        self.lives.do(self._settle(key, state))
        with suppress(Conflict):
            self.lives.do(self._settle(key, "failed" if state == "done" else "done"))
            raise AssertionError(f"{key} was settled twice")
        self.expected.settled[key] = state

    @precondition(lambda self: self.expected.events)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """An operator wants no more of a run, whatever it is doing."""
        known = data.draw(st.sampled_from(self.expected.events))
        self.stirred = True
        with suppress(Conflict):
            self.lives.do(self.segue.cancel(self.tenant, known.run, by="ann"))
            keys = frozenset(one["key"] for one in self.lives.do(self._effects()) if one["run"] == known.run)
            self.expected.cancelled.setdefault(known.run, keys)

    @rule(what=st.sampled_from(PAUSABLE))
    def pause(self, what: tuple[Scope, str]) -> None:
        """An operator holds something up."""
        self.lives.do(self.segue.pauses.pause(self.tenant, *what, by="ann", reason=None))
        self.expected.paused.setdefault(what, self._held_up(what))
        self.stirred = True

    @precondition(lambda self: self.expected.paused)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        """And lets it go on."""
        what = data.draw(st.sampled_from(sorted(self.expected.paused)))
        assert self._held_up(what) == self.expected.paused.pop(what)
        self.lives.do(self.segue.pauses.resume(self.tenant, *what, by="olga"))
        self.stirred = True

    def _held_up(self, what: tuple[Scope, str]) -> frozenset[str]:
        """Keys of the effects that a pause of this keeps from becoming more."""
        scope, name = what
        effects = self.lives.do(self._effects())
        return frozenset(one["key"] for one in effects if scope != "tool" or one["tool"] == name)

    # --- what holds at any time

    @invariant()
    def what_is_paused_or_cancelled_begins_no_effect(self) -> None:
        """By the ledger, which knows each before it is sent."""
        for what, known in self.expected.paused.items():
            assert self._held_up(what) == known, what
        if not self.expected.cancelled:
            return
        effects = self.lives.do(self._effects())
        for run, known in self.expected.cancelled.items():
            assert {one["key"] for one in effects if one["run"] == run} == known

    @invariant()
    def no_effect_happens_twice(self) -> None:
        """Whatever is going on: by what the tools themselves have noted."""
        keys = Counter((tool, key) for tool, _, key in self._deliveries())
        for (tool, key), times in keys.items():
            most = 1 if tool in NOT_IDEMPOTENT else 3 * self.expected.lives
            assert times <= most, f"{tool} was called {times} times under {key}"
        for tool in NOT_IDEMPOTENT:
            told = Counter(str(arguments) for name, arguments, _ in self._deliveries() if name == tool)
            assert all(times == 1 for times in told.values()), f"{tool}: {told}"

    # --- what holds in the end

    def teardown(self) -> None:
        """Let everything come to rest, and compare."""
        try:
            self._compare()
        except BaseException:
            self.lives.renew()
            raise

    def _compare(self) -> None:
        for what in list(self.expected.paused):
            self.lives.do(self.segue.pauses.resume(self.tenant, *what, by="olga"))
        self.expected.paused.clear()
        self.lives.do(self._unhang())
        self.lives.do(self._rest())
        self.lives.do(self._until_joined())
        self.no_effect_happens_twice()
        self._compare_runs(self.lives.do(self._runs()))
        self._compare_order()
        self._compare_outcomes()
        self._compare_answers()

    def _compare_runs(self, runs: dict[str, Shown]) -> None:
        assert sorted(runs) == sorted(one.run for one in self.expected.events)
        delivered = {key for _, _, key in self._deliveries()}
        closed = set()
        for one in self.expected.events:
            run = runs[one.run]
            assert run["event"]["id"] == one.event.id
            self._compare_status(run)
            if run["status"] == "done" or (run["status"] == "cancelled" and run["decisions"]):
                closed.add(one.run)
            for effect in run["effects"]:
                self._compare_effect(effect, delivered)
        page = self.lives.do(self.segue.memories.episodes(self.tenant, None, MOST))
        assert sorted(episode["id"] for episode in page.items) == sorted(closed)

    def _compare_status(self, run: Shown) -> None:
        open_ = [asked for asked in run["approvals"] if asked["state"] == "pending"]
        doubts = [effect for effect in run["effects"] if effect["state"] == "unknown"]
        if run["id"] in self.expected.cancelled and run["status"] != "done":
            # One whose last decision was just made ends as it would have.
            assert (run["status"], open_) == ("cancelled", []), run
        else:
            assert run["status"] == ("waiting" if open_ or doubts else "done"), run

    def _compare_effect(self, effect: Shown, delivered: set[str]) -> None:
        key, state = effect["key"], effect["state"]
        assert state in ("done", "failed", "unknown"), effect
        if key in self.expected.settled:
            assert state == self.expected.settled[key]
        elif state == "done":
            assert key in delivered
        elif effect["tool"] in WRITES:
            assert state == "unknown" or key not in delivered, effect

    def _compare_order(self) -> None:
        """Runs of a subject began in the order of their events."""
        for subject in SUBJECTS:
            known = [one.event.id for one in self.expected.events if one.event.subject == subject]
            begun = dict.fromkeys(event for own, event in self.decider.begun[self.began :] if own == subject)
            never = {one.event.id for one in self.expected.events if one.run in self.expected.cancelled} - begun.keys()
            assert list(begun) == [event for event in known if event not in never]

    def _compare_outcomes(self) -> None:
        page = self.lives.do(self.segue.memories.outcomes(self.tenant, None, None, MOST))
        assert {one["id"]: one["run"] for one in page.items} == self.expected.outcomes

    def _compare_answers(self) -> None:
        page = self.lives.do(self.segue.approvals(self.tenant, None, None, MOST))
        for one in page.items:
            unanswered = "rejected" if one["run"] in self.expected.cancelled else "pending"
            wanted = {None: unanswered, True: "approved", False: "rejected"}
            assert one["state"] == wanted[self.expected.answers.get(one["id"])], one

    # --- looking

    def _deliveries(self) -> list[tuple[str, dict[str, Any], str]]:
        return self.lives.deliveries[self.delivered :]

    async def _rest(self) -> None:
        """Until nothing goes on by itself: what is left hangs, is held by a pause, or waits behind one."""
        while True:
            found = [
                (await self.segue.runs(self.tenant, RunFilter(status=status), None, MOST)).items
                for status in ("running", "queued", "running", "queued")
            ]
            going = {run["id"]: run for run in itertools.chain(*found)}
            if all(self._is_stuck(run, going) for run in going.values()):
                return
            await asyncio.sleep(POLL_S)

    def _is_stuck(self, run: Shown, going: dict[str, Shown]) -> bool:
        hanging = {key.partition(":")[0] for key in self.lives.hanging.keys}
        if run["id"] in hanging:
            return True
        if run["status"] == "running":
            return False
        subject = run["event"]["subject"]
        before = [one for one in going.values() if one["event"]["subject"] == subject]
        nothing_starts = {("all", ""), ("event", EVENT_TYPE)} & self.expected.paused.keys()
        return bool(nothing_starts and run["id"] not in self.expected.cancelled) or any(
            one["id"] in hanging or one["held"] is not None for one in before
        )

    async def _unhang(self) -> None:
        self.lives.tools.faults.clear()
        while self.lives.hanging.keys:
            self.lives.hanging.let_go()
            await asyncio.sleep(0)

    async def _until_joined(self) -> None:
        while (await self.segue.memories.outcomes(self.tenant, "new", None, MOST)).items:
            await asyncio.sleep(POLL_S)

    async def _effects(self) -> list[Shown]:
        return (await self.segue.effects(self.tenant, None, None, MOST)).items

    async def _runs(self) -> dict[str, Shown]:
        page = await self.segue.runs(self.tenant, RunFilter(), None, MOST)
        return {run["id"]: await self.segue.run(self.tenant, run["id"]) for run in page.items}

    async def _settle(self, key: str, state: Literal["done", "failed"]) -> None:
        await self.segue.settle(self.tenant, key, state=state, result=None, reason=None, by="ann")


async def _go_round(steps: int) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)
