"""What an episode must be before memory takes it. Start with `check_episode`.

Rewards, trust and propensities become weights later; a value outside its range would work silently there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory.types import Episode

_NUMBERS = (int, float)


class EpisodeError(ValueError):
    """An episode or its rewards cannot be taken; says which value is wrong and what would be right."""


def check_episode(episode: Episode) -> None:
    """Raise `EpisodeError` for missing identity, a naive time, or a trust, propensity or reward out of range."""
    where = f"episode {episode.id!r}"
    for name in ("id", "tenant", "source", "event_type"):
        if not getattr(episode, name):
            raise EpisodeError(f"{where}: {name} is empty. Give the value of the run's event.")
    if episode.closed_at.utcoffset() is None:
        raise EpisodeError(f"{where}: closed_at {episode.closed_at} has no time zone. Use a time in UTC.")
    if not _is_share(episode.trust):
        raise EpisodeError(f"{where}: trust is {episode.trust!r}. Use a number from 0 to 1.")
    for action in episode.actions:
        if not _is_share(action.propensity) or action.propensity == 0:
            raise EpisodeError(
                f"{where}: propensity of {action.action!r} is {action.propensity!r}. Use a number above 0, at most 1."
            )
    check_rewards(episode.rewards, where=where)


def check_rewards(rewards: Mapping[str, float], *, where: str = "outcome") -> None:
    """Raise `EpisodeError` unless every goal's reward is a finite number from 0 to 1; `where` begins the message."""
    for goal, reward in rewards.items():
        if not _is_share(reward):
            raise EpisodeError(f"{where}: reward for goal {goal!r} is {reward!r}. Use a number from 0 to 1.")


def _is_share(value: Any) -> bool:
    """A number in [0, 1]; NaN fails every comparison, and a bool is no measurement."""
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, _NUMBERS)):
        return False
    return bool(0 <= value <= 1)
