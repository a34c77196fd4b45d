"""What is done where habits take the place of a playbook. Start with `HabitPlanner.nexts`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from agent.deciders.habits import Habit, learn_habits
from agent.deciders.planner_playbook import Next, PurposePlanner
from agent.deciders.planner_turn import Turn, quoted, sentence, spoken
from agent.types import Question, Situation

MOST_BOOKS = 64
_Key: TypeAlias = tuple[str, tuple[str, ...], tuple[tuple[str, float, float], ...]]


class HabitBooks:
    """Habits by what they were learned from, so that a decision learns only from what is new."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[Habit, ...] | None] = OrderedDict()
        self._learning = asyncio.Lock()

    async def of(self, situation: Situation) -> tuple[Habit, ...] | None:
        """What runs of the kind usually do; None where too few are graded."""
        key = (
            situation.event.type,
            tuple(tool.name for tool in situation.tools),
            tuple((run.id, run.reward, run.weight) for run in situation.past),
        )
        async with self._learning:
            if key not in self._kept:
                # In a thread, as it may take some tenths of a second, in which events are to be accepted.
                self._kept[key] = await asyncio.to_thread(learn_habits, situation.past, situation.tools)
                if len(self._kept) > MOST_BOOKS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


@dataclass(frozen=True)
class HabitPlanner:
    """Works out the next thing for each habit of one decision."""

    turn: Turn
    habits: Sequence[Habit]

    async def nexts(self) -> list[Next]:
        """As for a playbook; a write waits for those that are always made before it."""
        purposes = PurposePlanner(self.turn, [habit.purpose for habit in self.habits if habit.writes])
        asked = PurposePlanner(self.turn, [habit.purpose for habit in self.habits if habit.writes], sure=False)
        found = [(habit, await self._next(habit, purposes, asked)) for habit in self.habits]
        busy = {habit.purpose.text for habit, one in found if one.kind in {"read", "write"}}
        return [
            replace(one, kind="wait", why="something else always comes first", calls=())
            if one.kind == "write" and habit.after & busy
            else one
            for habit, one in found
        ]

    async def _next(self, habit: Habit, purposes: PurposePlanner, asked: PurposePlanner) -> Next:
        if not habit.writes:
            return await self._look_up(habit)
        one = await purposes.next_for(habit.purpose)
        if one.kind in {"read", "write"}:
            return replace(one, why=f"{one.why}; usual in {habit.runs} graded runs")
        if one.kind == "wait" and self._lacks_fields(habit):
            unsure = await asked.next_for(replace(habit.purpose, when=None))
            return (
                _asked(unsure, habit, "the event lacks what tells when it is done") if unsure.kind == "write" else one
            )
        if one.kind != "skip" or habit.doubtful is None:
            return one
        doubtful = await asked.next_for(habit.doubtful)
        why = f"{habit.runs} graded runs do not agree on it"
        return _asked(doubtful, habit, why) if doubtful.kind == "write" else doubtful

    def _lacks_fields(self, habit: Habit) -> bool:
        """Whether the condition reads fields of the event alone, so that nothing can be looked up for it."""
        return {path[0] for path in self.turn.conditions.reads(habit.purpose.when or "")} == {"data"}

    async def _look_up(self, habit: Habit) -> Next:
        """Reads cost little: they are made wherever most runs made them."""
        purpose = habit.purpose
        tools = [tool for tool in self.turn.reads if tool.name in habit.tools]
        truth, _ = self.turn.conditions.truth(purpose.when)
        calls = await self.turn.consult(tools, purpose.text) if truth == "true" else []
        if not calls:
            made = any(result.call.tool in habit.tools for result in self.turn.situation.results)
            return Next(kind="closed" if made else "skip", purpose=purpose, why="looked up" if made else "not needed")
        why = f"usual in {habit.runs} graded runs"
        return Next(kind="read", purpose=purpose, why=why, calls=tuple(calls))


def _asked(one: Next, habit: Habit, why: str) -> Next:
    """What graded runs do not settle is an operator's to say."""
    what = spoken(one.calls[0].action)
    text = f"{sentence(f'To {quoted(habit.purpose.text)}: {why}')} Shall {what} be called?"
    return replace(one, kind="ask", why=why, calls=(), question=Question(text=text, options=one.calls))
