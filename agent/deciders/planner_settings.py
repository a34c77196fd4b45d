"""Every threshold of the Planner. The cosines were read off small sets of invented companies, MiniLM embeddings."""

from __future__ import annotations

from dataclasses import dataclass, field

from memory.settings import Settings


@dataclass(frozen=True, kw_only=True)
class PlannerSettings:
    """When meaning, names and evidence are strong enough to act on. Cosines and differences of cosines, unless said."""

    memory: Settings = field(default_factory=Settings)
    """Constants of the score; its temperature also makes the prior."""

    write_slack: float = 0.03
    """A purpose means a write when the best write is at most this far below the best read."""
    inquiry_shift: float = 0.3
    """How much farther reads are ahead when the purpose starts with a word of looking ("check", "see")."""
    rival_margin: float = 0.25
    """Tools of the step farther than this below the best one are no rivals for the purpose, unless evidence speaks."""
    equal_margin: float = 0.1
    """Tools no farther than this below the best one get the same prior, so that evidence decides between them.
    Chosen on a simulated season of three routes, where a runner-up with a lower prior was hardly ever tried."""
    nearly_margin: float = 0.1
    """How far below the failed tool's meaning another tool may lie and still be tried in its place."""

    strong_mass: float = 4.0
    """Evidence S + F from which an action may be taken without a purpose, in the unit of `memory.kappa`."""
    strong_score: float = 0.6
    """Score it must reach for that."""
    strong_episodes: int = 3
    """Episodes that must speak for that."""

    act_meaning: float = 0.6
    """Cosine of the event type's description to a tool from which it is acted on without playbook and evidence."""
    act_margin: float = 0.15
    """How far above every other write it must be for that."""
    decent_meaning: float = 0.25
    """Cosine from which a read is worth consulting before an operator is asked."""

    argument_meaning: float = 0.5
    """Cosine of an argument's name and description to a field's path from which the field is taken."""
    argument_margin: float = 0.15
    """How far above the next field it must be."""
    identifier_meaning: float = 0.7
    """Cosine that what two identifiers identify must have, so that the one is taken for the other undescribed."""
    member_meaning: float = 0.3
    """Cosine of the situation's text to a permitted value from which a required value is chosen by meaning."""
    member_margin: float = 0.1
    """How far above the next value it must be."""

    max_variants: int = 24
    """Combinations of `choice` values weighed per tool."""
    max_reads: int = 8
    """Reads consulted at once."""
    max_options: int = 3
    """Calls offered in one question."""
    max_free_text: int = 600
    """Characters of an explanation filled in from the purpose or the situation's text."""
