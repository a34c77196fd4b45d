"""What an episode has to say, whatever the situation: worked out once and kept. Start with `Tellings`."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from memory.episodes import EpisodeError, check_episode
from memory.likeness import Facts, facts
from memory.rewards import credited, judged
from memory.settings import Settings
from memory.types import Episode

MOST = 32_768
"""Episodes whose telling is kept, about 1 kB each."""

Part: TypeAlias = tuple[frozenset[str], tuple[tuple[str, float], ...]]
"""Goals that were graded, and what changes since leave of the actions' evidence."""
Voice: TypeAlias = tuple[str, Part | None]
"""What speaks once: an episode, or the part of a crowd that one stands for."""

UNTOLD = 0.5
"""What was expected of an action when nobody wrote it down."""
_log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """How one action of an episode turned out."""

    share: float
    """Of the episode's weight, with what is left of it."""
    reward: float
    expected: float
    """p_i of the formula."""
    left: float = 1.0
    """What later decisions of the run, and changes of the action since, leave of its share."""


@dataclass(frozen=True, slots=True)
class Telling:
    """An episode that has something to say."""

    episode: Episode
    verdicts: Mapping[str, Verdict]
    loudest: float
    """The greatest share among them."""
    closed: float
    """Seconds since the epoch."""
    facts: Facts
    surprises: Mapping[str, float]
    """By action, how much better than expected it did."""


class Tellings:
    """Kept as long as an episode is the same object, which it is not any more once its rewards change."""

    def __init__(self, settings: Settings, most: int = MOST) -> None:
        self._settings = settings
        self._most = most
        self._kept: OrderedDict[tuple[str, Part | None], tuple[Episode, Mapping[str, float], Telling | None]] = (
            OrderedDict()
        )

    def of(self, episode: Episode, goals: Mapping[str, float]) -> Telling | None:
        """None when it has nothing to say, or a value that is out of range, which is logged."""
        key = voice(episode)
        known = self._kept.get(key)
        if known is not None and known[0] is episode and known[1] == goals:
            return known[2]
        told = self._tell(episode, goals)
        self._kept[key] = (episode, dict(goals), told)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return told

    def _tell(self, episode: Episode, goals: Mapping[str, float]) -> Telling | None:
        try:
            check_episode(episode)
        except EpisodeError as error:
            _log.warning("left out of recall: %s", error)
            return None
        return tell(episode, goals, self._settings)


def part(episode: Episode) -> Part:
    """Of a crowd, which of its episodes it speaks for: it does so once for each of these."""
    return frozenset(episode.rewards), tuple(sorted(episode.lasting.items()))


def voice(episode: Episode) -> Voice:
    """Parts are told apart where there are several."""
    return episode.id, None if episode.together is None else part(episode)


def tell(episode: Episode, goals: Mapping[str, float], settings: Settings) -> Telling | None:
    """What it says by these goals; None when it has no outcome and nothing to say without one."""
    verdicts = verdicts_of(episode, goals, settings)
    if not verdicts:
        return None
    return Telling(
        episode=episode,
        verdicts=verdicts,
        loudest=max(verdict.share for verdict in verdicts.values()),
        closed=episode.closed_at.timestamp(),
        facts=facts(episode.features),
        surprises=_surprises(verdicts),
    )


def speaks_alone(episode: Episode) -> bool:
    """Whether it has something to say before an outcome has come: an operator's word, or a tool's own."""
    return bool(episode.declined) or any(
        taken.decided_by == "operator" or taken.verified is not None for taken in episode.actions
    )


def verdicts_of(episode: Episode, goals: Mapping[str, float], settings: Settings) -> Mapping[str, Verdict]:
    """Per action its share of the episode's weight, its reward and what was expected of it.

    An action that was declined was not taken, so an outcome says nothing about it and the operator's no stands.
    """
    trust = settings.operator_trust
    found = judged(episode.rewards, goals, trust)
    verdicts = dict.fromkeys(episode.declined, Verdict(trust, 0.0, UNTOLD))
    for taken in episode.actions:
        expected = UNTOLD if taken.prior is None else taken.prior
        own = credited(taken, found, settings.discount)
        if own is not None:
            verdicts[taken.action] = Verdict(own.share, own.reward, expected, own.left)
        elif taken.decided_by == "operator":
            verdicts[taken.action] = Verdict(trust, 1.0, expected)
    for action in verdicts.keys() & episode.lasting.keys():
        known, left = verdicts[action], episode.lasting[action]
        verdicts[action] = known._replace(share=known.share * left, left=known.left * left)
    return verdicts


def _surprises(verdicts: Mapping[str, Verdict]) -> Mapping[str, float]:
    """An episode has one doubt, that of its action of which most is left; of the others it tells in proportion."""
    most = max(verdict.left for verdict in verdicts.values())
    return {action: (verdict.reward - verdict.expected) * verdict.left / most for action, verdict in verdicts.items()}
