"""What an event of the model asks for, and a decider that does just that. Start with `ByPlan`."""

from __future__ import annotations

from typing import Any, Literal

from agent.types import Call, Decision, Question, Situation
from tests.agent.company import call

Plan = Literal["nothing", "look_up", "pause_mail", "book_call", "pay_back", "two", "three", "ask"]
PLANS: tuple[Plan, ...] = ("nothing", "look_up", "pause_mail", "book_call", "pay_back", "two", "three", "ask")
TOOLS: dict[str, tuple[str, ...]] = {
    "two": ("pause_mail", "book_call"),
    "three": ("look_up", "book_call", "pay_back"),
    "ask": (),
    "nothing": (),
}


class ByPlan:
    """A decider that keeps nothing: the event's plan in the first decision, nothing in any later one."""

    name = "by-plan"

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        """Subject and event of every first decision, in order; a crash may repeat one."""

    async def decide(self, situation: Situation) -> Decision:
        """What the plan says."""
        event = situation.event
        if situation.decision > 1:
            return Decision(kind="finish", reason="all was done", decided_by=self.name)
        self.begun.append((event.subject, event.id))
        plan, number = str(event.data["message"]), event.data["amount"]
        if plan == "ask":
            question = Question(text="What now?", options=(_call("book_call", number), _call("pause_mail", number)))
            return Decision(kind="ask", reason="unsure", question=question, decided_by=self.name)
        calls = tuple(_call(tool, number) for tool in TOOLS.get(plan, (plan,)))
        return Decision(kind="act" if calls else "finish", reason=plan, calls=calls, decided_by=self.name)


def _call(tool: str, number: Any) -> Call:
    """A call that no other event of the subject makes: its number is in the arguments."""
    given: dict[str, Any] = {
        "look_up": {},
        "pause_mail": {"days": int(number)},
        "book_call": {"note": str(int(number))},
        "pay_back": {"amount": number},
    }
    return call(tool, **given[tool])
