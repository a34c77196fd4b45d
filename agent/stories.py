"""One episode whole: how it was decided, what came of it, and whether it helped since. Start with `tell`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from agent.store import episodes
from agent.store.episode_looks import Seen, Story, Told, Uses
from agent.store.queries import Shown, iso
from memory.rewards import combined
from memory.types import Episode

GOOD = 0.5
"""A reward from here on went well."""
SHOWN = 50
"""Latest uses that are told one by one; all are counted."""

Verdict: TypeAlias = Literal["helped", "hurt", "not_followed", "open"]
VERDICTS: tuple[Verdict, ...] = ("helped", "hurt", "not_followed", "open")


def tell(story: Story, outcomes: Sequence[Shown], goals: Mapping[str, float]) -> Shown:
    """As the API shows it; `outcomes` are those of its run."""
    episode, reward = story.episode, combined(story.episode.rewards, goals)
    return {
        **episodes.as_json(episode),
        "reward": None if reward is None else round(reward, 4),
        "indexed": story.indexed,
        "decisions": [_decision(one) for one in story.decisions],
        "outcomes": list(outcomes),
        "uses": _uses(episode, story.uses, goals),
    }


def _decision(told: Told) -> Shown:
    return {
        "number": told.number,
        "reason": told.reason,
        "decided_by": told.decided_by,
        "decided_at": iso(told.decided_at),
        "actions": list(told.actions),
        "evidence": [_evidence(action, said) for action, said in sorted(told.evidence.items())],
    }


def _evidence(action: str, said: Mapping[str, Any]) -> Shown:
    return {
        "action": action,
        "success": said["success"],
        "failure": said["failure"],
        "surprise": said.get("surprise", 0.0),
        "episodes": list(said["episodes"]),
    }


def _uses(episode: Episode, uses: Uses, goals: Mapping[str, float]) -> Shown:
    advice = spoken(episode, goals)
    told = [
        {
            "run": seen.run,
            "decided_at": iso(seen.decided_at),
            "action": action,
            "advice": "for" if advice[action] else "against",
            "verdict": judged(seen, action, recommended=advice[action], goals=goals),
        }
        for seen in uses.seen
        for action in sorted(seen.about)
        if action in advice
    ]
    counted = Counter(one["verdict"] for one in told)
    return {
        "runs_looked_at": uses.looked_at,
        "all_looked_at": uses.all_looked_at,
        **{verdict: counted[verdict] for verdict in VERDICTS},
        "latest": told[:SHOWN],
    }


def spoken(episode: Episode, goals: Mapping[str, float]) -> Mapping[str, bool]:
    """What it says by now of each action: True for it, False against it; actions it says nothing about are absent."""
    reward = combined(episode.rewards, goals)
    said = dict.fromkeys(episode.declined, False)
    for taken in episode.actions:
        own = reward if taken.verified is None else taken.verified
        if own is not None:
            said[taken.action] = own >= GOOD
        elif taken.decided_by == "operator":
            said[taken.action] = True
    return said


def judged(seen: Seen, action: str, *, recommended: bool, goals: Mapping[str, float]) -> Verdict:
    """How its advice turned out: whether the run followed it, and if so, whether that went well."""
    followed, reward = (action in seen.taken) == recommended, combined(seen.rewards, goals)
    if not followed:
        return "not_followed" if seen.ended or action in seen.taken else "open"
    if reward is None:
        return "open"
    return "helped" if reward >= GOOD else "hurt"
