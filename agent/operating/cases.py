"""Like cases and how they ended, in words and as rows. Start with `Case`, then `endings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.operating.wording import listed, number, plain, when
from agent.stories import GOOD
from memory.rewards import combined
from memory.settings import Settings
from memory.telling import verdicts_of
from memory.types import EVERY_GOAL, Episode
from tools.types import JsonObject

TOLD = 5
"""Cases that are told one by one."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A past run like the one that is asked about."""

    run: str
    subject: str
    closed_at: datetime
    done: tuple[str, ...]
    """Actions, in their order."""
    declined: tuple[str, ...]
    """What an operator turned down."""
    reward: float | None
    """Of the run, in [0, 1]; None: no outcome has come."""
    by_action: Mapping[str, float]
    """What each action earned by itself: its own result, the run's reward, or an operator's word."""
    because: Mapping[str, str]
    """Which of these it was, in words, for the same actions."""
    revoked: bool
    """Its source is revoked, so that it says nothing any more."""

    def of(self, action: str | None) -> float | None:
        """How it ended for an action, or as a whole."""
        return self.reward if action is None else self.by_action.get(action)

    def row(self) -> JsonObject:
        """As JSON."""
        return {
            "run": self.run,
            "subject": self.subject,
            "closed_at": self.closed_at.isoformat(),
            "done": list(self.done),
            "declined": list(self.declined),
            "reward": self.reward,
            "revoked": self.revoked,
        }


def as_case(episode: Episode, goals: Mapping[str, float], *, revoked: bool) -> Case:
    """With the rewards known by now."""
    settings = Settings()
    verdicts = verdicts_of(episode, goals, settings)
    return Case(
        run=episode.id,
        subject=episode.subject,
        closed_at=episode.closed_at,
        done=tuple(taken.action for taken in episode.actions if taken.done),
        declined=episode.declined,
        reward=reward_of(episode.rewards, goals),
        by_action={action: verdict.reward for action, verdict in verdicts.items()},
        because={action: _because(episode, action, settings.discount) for action in verdicts},
        revoked=revoked,
    )


def _because(episode: Episode, action: str, discount: float) -> str:
    """What an action's credit is (docs/learning.md, "Credit"); the last of several calls of it has the say."""
    taken = next((one for one in reversed(episode.actions) if one.action == action), None)
    if taken is None:
        return "an operator turned it down"
    if taken.verified is not None:
        return "its own result" if taken.done else "the tool turned it down"
    if not episode.rewards:
        return "an operator chose it"
    if not taken.later:
        return "the run's reward"
    return f"the run's reward; it counts {discount**taken.later:.0%}, as {number(taken.later, 'later decision')} acted"


def reward_of(rewards: Mapping[str, float], goals: Mapping[str, float]) -> float | None:
    """By the goals' present weights; where no outcome has graded one, what an operator's thumb said."""
    graded = combined(rewards, goals)
    return rewards.get(EVERY_GOAL) if graded is None else graded


@dataclass(frozen=True, kw_only=True)
class Endings:
    """How many cases ended how."""

    good: int
    bad: int
    open: int
    """No outcome has come, or none that counts."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.good + self.bad + self.open

    def words(self) -> str:
        """`3 ended well, 1 badly, 2 have no outcome yet`."""
        parts = [f"{self.good} ended well"] * (self.good > 0) + [f"{self.bad} badly"] * (self.bad > 0)
        if self.open:
            parts.append(f"{self.open} {'has' if self.open == 1 else 'have'} no outcome yet")
        if not self.good and self.bad:
            parts[0] = f"{self.bad} ended badly"
        return listed(parts)

    def row(self) -> JsonObject:
        """As JSON."""
        return {"good": self.good, "bad": self.bad, "open": self.open}


def endings(cases: Sequence[Case], action: str | None = None) -> Endings:
    """Counted, for an action or as a whole; good is a reward of at least 0.5."""
    told = [None if case.revoked else case.of(action) for case in cases]
    good = sum(reward is not None and reward >= GOOD for reward in told)
    bad = sum(reward is not None and reward < GOOD for reward in told)
    return Endings(good=good, bad=bad, open=len(told) - good - bad)


def case_line(case: Case, now: datetime, action: str | None = None) -> str:
    """`run 01J... about "c-2": pause_mail, ended well (reward 1.00), 3 days ago, 23 Nov 14:03 UTC`."""
    reward = case.of(action)
    if case.revoked:
        ended = "its source is revoked, so that it says nothing"
    elif reward is None:
        ended = "no outcome yet"
    else:
        ended = f"ended {'well' if reward >= GOOD else 'badly'} (reward {reward:.2f})"
    done = listed([plain(one) for one in case.done]) or "nothing was done"
    turned = f", {listed([plain(one) for one in case.declined])} turned down by an operator" if case.declined else ""
    return f"run {case.run} about {plain(case.subject)}: {done}{turned}, {ended}, {when(case.closed_at, now)}"


def case_lines(cases: Sequence[Case], now: datetime, action: str | None = None, most: int = TOLD) -> list[str]:
    """The first of them, one a line, and how many more there are."""
    told = [f"  {case_line(one, now, action)}" for one in cases[:most]]
    left = len(cases) - most
    return [*told, f"  and {number(left, 'case')} more"] if left > 0 else told


def told_cases(cases: Sequence[Case], action: str, now: datetime, most: int = TOLD) -> list[str]:
    """How the cases behind an action's score ended for it, counted and then one by one."""
    if not cases:
        return [f"  No like case speaks of {plain(action)}."]
    counted = endings(cases, action).words()
    head = f"  Of {number(len(cases), 'like case')} of {plain(action)} {counted}:"
    return [head, *(f"  {line}" for line in case_lines(cases, now, action, most))]
