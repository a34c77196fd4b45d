"""Who decides in an arm of the suite: the product, or one of the controls. Start with `ARMS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.actions import action_name
from agent.deciders.choosing import variants
from agent.deciders.filling import Filler
from agent.deciders.planner_meaning import Meanings
from agent.deciders.planner_settings import PlannerSettings
from agent.types import Call, Decider, Decision, Situation
from evals.scenarios.case import Case
from evals.worlds.kit.chance import chance

Variant: TypeAlias = Literal["playbooks", "distractors", "bare", "learned"]
Who: TypeAlias = Literal["product", "nothing", "oracle", "random"]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One column of the result."""

    name: str
    who: Who
    variant: Variant
    meaning: str


ARMS: tuple[Arm, ...] = (
    Arm(name="playbooks", who="product", variant="playbooks", meaning="with playbooks, nothing remembered"),
    Arm(name="distractors", who="product", variant="distractors", meaning="three wrong tools beside each step's"),
    Arm(name="bare", who="product", variant="bare", meaning="every playbook removed, nothing remembered"),
    Arm(name="learned", who="product", variant="learned", meaning="playbooks removed after 200 graded episodes"),
    Arm(name="nothing", who="nothing", variant="playbooks", meaning="control: never does anything"),
    Arm(name="random", who="random", variant="playbooks", meaning="control: permitted tools by lot"),
    Arm(name="oracle", who="oracle", variant="playbooks", meaning="control: does what the case says is right"),
)


def control(arm: Arm, case: Case) -> Decider | None:
    """The decider of a control arm; None where the product decides."""
    match arm.who:
        case "nothing":
            return Nothing()
        case "oracle":
            return Oracle(case)
        case "random":
            return ByLot(case.name)
        case "product":
            return None


@dataclass(frozen=True)
class Nothing:
    """Finishes every run at once."""

    name: str = "nothing"

    async def decide(self, situation: Situation) -> Decision:
        """Whatever there is, it is enough."""
        return Decision(kind="finish", reason="this arm does nothing", decided_by=self.name)


class Oracle:
    """Makes the calls that a case states as its solution, one a decision, through policy and ledger like anyone."""

    name = "oracle"

    def __init__(self, case: Case) -> None:
        self._case = case

    async def decide(self, situation: Situation) -> Decision:
        """The next call of the event's solution."""
        solution, at = self._case.solution_of(situation.event.id), situation.decision - 1
        if at >= len(solution):
            return Decision(kind="finish", reason="the solution is at its end", decided_by=self.name)
        ((tool, arguments),) = solution[at].items()
        known = {one.name: one for one in situation.tools}
        action = action_name(known[tool], arguments) if tool in known else tool
        call = Call(tool=tool, arguments=arguments, action=action)
        return Decision(kind="act", reason="the case says so", calls=(call,), decided_by=self.name)


class ByLot:
    """Draws one to three permitted tools and fills their arguments by name, twice, then finishes."""

    name = "random"

    def __init__(self, seed: str) -> None:
        self._seed = seed

    async def decide(self, situation: Situation) -> Decision:
        """Tools by lot; the same case draws the same."""
        if situation.decision > 2 or not situation.tools:
            return Decision(kind="finish", reason="enough drawn", decided_by=self.name)
        random = chance("by lot", self._seed, situation.event.id, situation.decision)
        settings = PlannerSettings()
        filler = Filler(situation, Meanings(_nothing_alike), settings)
        calls: list[Call] = []
        for tool in random.sample(situation.tools, min(len(situation.tools), random.randint(1, 3))):
            chosen = random.choice(variants(tool, situation.bound, settings.max_variants))
            filled = await filler.fill(tool, purpose="by lot", chosen=chosen)
            if filled.complete:
                action = action_name(tool, filled.arguments)
                calls.append(Call(tool=tool.name, arguments=filled.arguments, action=action))
        if not calls:
            return Decision(kind="finish", reason="nothing drawn can be called", decided_by=self.name)
        return Decision(kind="act", reason="drawn by lot", calls=tuple(calls), decided_by=self.name)


async def _nothing_alike(_: str, things: Mapping[str, str]) -> Mapping[str, float]:
    return dict.fromkeys(things, 0.0)
