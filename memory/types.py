"""The words of memory: Episode, what it did, how it was rewarded, and the evidence made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

Feature: TypeAlias = str | int | float | bool
Arm: TypeAlias = Literal["memory", "control"]
"""Whether a run decides with memory or without it."""
Advised: TypeAlias = Literal["do", "avoid"]
LessonState: TypeAlias = Literal["active", "uncorroborated", "retired"]

EVERY_GOAL = "*"
"""In rewards: what an operator's judgement says of each goal that no outcome has graded."""


@dataclass(frozen=True, kw_only=True)
class EpisodeAction:
    """One action a run took: done by the ledger, or turned down by the tool itself."""

    action: str
    """A tool's name, or `tool[argument=value]` for each `choice` argument: the unit that is learned."""
    tool: str
    decided_by: str
    """`planner`, the chat model's name, or `operator`."""
    propensity: float
    """Probability with which the decider chose this action among its rivals, in (0, 1]."""
    prior: float | None = None
    """What was expected of it when it was chosen, p(a) in [0, 1]; None where nobody wrote it down."""
    done: bool = True
    """False: the tool said no, so that it was tried and not done."""
    verified: float | None = None
    """Its own result as a reward in [0, 1]; None where only what became of the run can tell."""
    later: int = 0
    """Decisions of the run after it that called something."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """One of a crowd's episodes, as far as it differs from the others."""

    id: str
    fading: float
    """What age leaves of it, in that of an episode closed when the crowd's newest was."""
    rewards: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Together:
    """How much more than itself an episode says that speaks for like ones, see `memory.crowds`."""

    number: int
    """Of episodes that have something to say, itself among them."""
    of: int
    """All episodes of the crowd, those too that say nothing."""
    mass: float
    """Summed fading of those that have something to say."""
    named: tuple[Named, ...]
    """The newest of them, as many as may speak about an action."""


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
    """Reward in [0, 1] per goal, and of `EVERY_GOAL` if an operator judged it; empty until an outcome has come."""
    arm: Arm | None = None
    """None where it was not drawn: Segue was started without memory, or the run is older than arms."""
    memory_share: float | None = None
    """Probability with which the run was given memory."""
    swayed: bool | None = None
    """Whether memory changes what is decided in it; None where nobody can say."""
    together: Together | None = None
    """Where it speaks for a crowd, whose means its rewards and priors then are; None: for itself alone."""
    lasting: Mapping[str, float] = field(default_factory=dict)
    """What changes found since leave of its weight, in (0, 1], by action; an action that did not change is absent."""


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


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One thing that must be so for a rule to apply."""

    what: Literal["is", "at_least", "below", "like"]
    """A feature's value, or the text's likeness to that of an episode."""
    feature: str = ""
    value: Feature = ""
    """For `like`: the id of the episode in the midst of a cluster."""
    least: float = 0.0
    """For `like`: the cosine from which a text belongs to the cluster."""
    words: tuple[str, ...] = ()
    """For `like`: what the cluster's texts mostly say."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which action, or which order of two, keeps better or worse under which conditions."""

    kind: Literal["action", "order"]
    advice: Advised
    """`order` rules are always to `do`: the first action before the second."""
    actions: tuple[str, ...]
    """`action`: those that were always taken together; `order`: the first and the second."""
    conditions: tuple[Condition, ...] = ()
    """All must hold; none: always."""
    against: Literal["others", "elsewhere", "reversed"] = "others"
    """What it is held against: what else was done there, the same action under other conditions, the other order."""


@dataclass(frozen=True, kw_only=True)
class Support:
    """How often a rule's runs, and those it is held against, turned out well."""

    good: int
    total: int
    rest_good: int
    rest_total: int
    low: float
    high: float
    """Interval of good / total, corrected for all rules that were tried."""
    p: float
    """Of Fisher's exact test, two-sided."""


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """A rule that was found, with what it was found in."""

    rule: Rule
    support: Support
    episodes: tuple[str, ...]
    """Of the rule's own runs, the latest first."""
    sources: Mapping[str, int]
    """Event sources of these runs, with how many of each."""
    subjects: int
    """Distinct ones among these runs."""
    leans_on: str | None = None
    """The source without which it does not stand, where several send such events; known when it is counted only."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A rule in words, as one version of it stands in the store."""

    id: str
    """Of this version."""
    tenant: str
    event_type: str
    version: int
    state: LessonState
    """`uncorroborated`: stands, and is shown to nobody who decides, as it leans on one source of several."""
    words: str | None
    """A chat model's or an operator's wording; None: the statistical text stands."""
    found: Distilled
    """The rule, and its counts as they were when this version was made."""
    origin: Literal["statistics", "model", "operator"]
    written_by: str
    """`statistics`, the model's or the operator's name."""
    tokens: int
    """What a model's wording used."""
    created_at: datetime
    found_at: datetime
    """When the latest episode was closed that was known as the rule was found; later ones may speak against it."""
    retired_at: datetime | None = None
    retired_by: str | None = None
    reason: str | None = None
    """Why it was retired, or is not shown."""
    replaces: str | None = None
    """Id of the version before."""
    broken_since: datetime | None = None
    """From when on episodes spoke against it, where that is why it was retired."""
