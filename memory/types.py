"""The words of memory: Episode, what it did, how it was rewarded, and the evidence made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

Feature: TypeAlias = str | int | float | bool
Arm: TypeAlias = Literal["memory", "control"]
"""Whether a run decides with memory or without it."""

EVERY_GOAL = "*"
"""In rewards: what an operator's judgement says of each goal that no outcome has graded."""


@dataclass(frozen=True, kw_only=True)
class EpisodeAction:
    """One action a run took (an effect that was done or failed by the business's own ledger)."""

    action: str
    """A tool's name, or `tool[argument=value]` for each `choice` argument: the unit that is learned."""
    tool: str
    decided_by: str
    """`planner`, the chat model's name, or `operator`."""
    propensity: float
    """Probability with which the decider chose this action among its rivals, in (0, 1]."""
    prior: float | None = None
    """What was expected of it when it was chosen, p(a) in [0, 1]; None where nobody wrote it down."""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One situation, what was done in it, and its outcomes: the unit of memory."""

    id: str
    """The run's id."""
    tenant: str
    source: str
    """Source of the event: evidence per source is capped, and a source can be revoked."""
    event_id: str
    event_type: str
    subject: str
    text: str
    """What is embedded: the event type's `text` template filled in."""
    features: Mapping[str, Feature]
    actions: tuple[EpisodeAction, ...]
    declined: tuple[str, ...] = ()
    """Actions an operator was offered and turned down."""
    decided_by: str
    closed_at: datetime
    trust: float = 1.0
    """Weight of the episode in [0, 1]."""
    rewards: Mapping[str, float] = field(default_factory=dict)
    """Reward in [0, 1] per goal; empty until an outcome has come."""
    arm: Arm | None = None
    """None where it was not drawn: Segue was started without memory, or the run is older than arms."""
    memory_share: float | None = None
    """Probability with which the run was given memory."""
    swayed: bool | None = None
    """Whether memory changes what is decided in it; None where nobody can say."""
    """Reward in [0, 1] per goal, and of `EVERY_GOAL` if an operator judged it; empty until an outcome has come."""


@dataclass(frozen=True, kw_only=True)
class ActionEvidence:
    """What like episodes say about one action."""

    action: str
    success: float
    """S(a): summed weight of reward."""
    failure: float
    """F(a): summed weight of (1 - reward)."""
    episodes: tuple[str, ...]
    """Ids of the episodes used, heaviest first."""
    surprise: float = 0.0
    """D(a): how much better than expected it did in like situations; below 0: worse."""
