"""Now and then another action than the best, so that what little is known of can show what it is worth.

Start with `Explorer.draw`. With the rate eps of the event type, one of the best action's rivals is taken, each with a
probability in proportion to an optimistic score; otherwise the best. The probabilities are exact and are put on record
(`Candidate.propensity`), so that other ways to choose can be valued from the log (`memory/valuing.py`).

The optimistic score is the upper end of what the action may be worth: its score, which is the mean of a Beta
distribution with as many pseudo-observations as there are outcomes like this one, and `WIDTH` standard deviations more
(optimism as in UCB, Auer, Cesa-Bianchi and Fischer 2002). What failed often has a low score and no doubt left, and is
hardly tried again; what nobody tried comes first. It is a share, not a maximum, as every rival needs a probability
above 0 to be valued at all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.deciders.choosing import Option
from agent.deciders.planner_turn import Planned, Turn, spoken
from agent.policy import Limits, refusal
from agent.types import Situation
from memory.settings import Settings

WIDTH = 2.0
LEAST = 0.01
"""Optimistic score below which none falls, so that a rival's probability can divide."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What is taken, and with which probability each action could have been."""

    planned: Planned
    chances: Mapping[str, float]
    """By action; they sum to 1. 0: a rival that is not tried, as nothing is explored. Absent: it could not be taken."""
    best: Planned

    @property
    def explored(self) -> bool:
        """Whether it is another than the best."""
        return self.planned is not self.best

    def why(self, usual: str, rate: float) -> str:
        """The reason of what is taken; `usual` is that of the best."""
        if not self.explored:
            return usual
        option = self.planned.option
        known = len(option.evidence.episodes) if option.evidence else 0
        return (
            f"an exploration, as in {rate:.1%} of such decisions: score {option.score:.2f} from {known} like episodes, "
            f"while {spoken(self.best.call.action)} has {self.best.option.score:.2f}"
        )


class Explorer:
    """Draws within one decision."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    async def draw(self, best: Planned, options: Sequence[Option], purpose: str | None) -> Draw:
        """The best, or by the event type's rate a rival of it; the same for one run, decision and purpose.

        A rival has low risk as the best has, means the purpose nearly as well, is not in the run's results and could
        be called now: its arguments are known as surely as those of the best, and policy would let it through.
        """
        near = [option for option in options if self._is_rival(option, best)]
        rate = self._turn.situation.explore
        if not rate:
            return Draw(
                planned=best,
                best=best,
                chances={best.option.action: 1.0, **dict.fromkeys((one.action for one in near), 0.0)},
            )
        rivals = [planned for option in near for planned in [await self._ready(option, purpose, best)] if planned]
        chances = spread(best.option, [rival.option for rival in rivals], rate, self._turn.settings.memory)
        drawn = pick(chances, luck(self._turn.situation, purpose))
        taken = next((rival for rival in rivals if rival.option.action == drawn), best)
        call = replace(taken.call, propensity=chances[taken.option.action])
        planned = replace(taken, call=call)
        return Draw(planned=planned, best=planned if taken is best else best, chances=chances)

    def _is_rival(self, option: Option, best: Planned) -> bool:
        if {option.tool.governance.risk, best.option.tool.governance.risk} != {"low"}:
            return False
        tried = {result.call.action for result in self._turn.situation.results}
        near = option.cosine >= best.option.cosine - self._turn.settings.nearly_margin
        return option.action != best.option.action and option.action not in tried and near

    async def _ready(self, option: Option, purpose: str | None, best: Planned) -> Planned | None:
        """The call of a rival; None where it could not be made like that of the best."""
        turn = self._turn
        planned = await turn.plan(option, purpose)
        filled = planned.filled
        if not filled.complete or planned.call.action != option.action:
            return None
        if len(filled.guessed) > len(best.filled.guessed) or await turn.providers(filled.guessed, purpose):
            return None
        if turn.made(option.tool, planned.call.arguments):
            return None
        return planned if refusal(planned.call, _limits(turn.situation)) is None else None


def spread(best: Option, rivals: Sequence[Option], rate: float, settings: Settings) -> Mapping[str, float]:
    """With which probability each is taken, by action: the best with 1 - rate, the rivals share the rate."""
    if not rivals:
        return {best.action: 1.0}
    hopes = [optimistic(rival, settings) for rival in rivals]
    total = math.fsum(hopes)
    return {best.action: 1.0 - rate} | {
        rival.action: rate * hope / total for rival, hope in zip(rivals, hopes, strict=True)
    }


def optimistic(option: Option, settings: Settings) -> float:
    """The score and `WIDTH` of its standard deviations, in [`LEAST`, 1]."""
    known = option.evidence
    mass = settings.kappa + (known.success + known.failure if known else 0.0)
    deviation = math.sqrt(option.score * (1.0 - option.score) / (mass / settings.weight + 1.0))
    return min(1.0, max(LEAST, option.score + WIDTH * deviation))


def pick(chances: Mapping[str, float], luck: float) -> str:
    """The action in whose part of [0, 1) the number lies."""
    total = 0.0
    for action, chance in chances.items():
        total += chance
        if luck < total:
            return action
    return next(iter(chances))


def luck(situation: Situation, purpose: str | None) -> float:
    """A number in [0, 1), the same whenever this run decides this for this purpose.

    Nobody outside chooses a run's id, so that nobody can aim at what is tried.
    """
    said = "\0".join((situation.run, str(situation.decision), purpose or ""))
    return int.from_bytes(hashlib.blake2b(said.encode(), digest_size=6).digest()) / 2.0**48


def _limits(situation: Situation) -> Limits:
    tools = {tool.name: tool for tool in situation.tools}
    return Limits(
        tools=tools,
        allowed=tools.keys(),
        bound=situation.bound,
        subject=situation.event.subject,
        event_type=situation.event.type,
        in_doubt=situation.blocked,
        already={},
        calls_left=1,
    )
