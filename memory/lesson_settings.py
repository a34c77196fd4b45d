"""What a rule must show to become a lesson, and how many are tried. Start with `LessonSettings`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LessonSettings:
    """Our choices; what they let through in noise is measured by `tests/memory/test_lessons.py`."""

    fewest: int = 8
    """Episodes with an outcome that a rule needs on its side, and as many on the side it is held against."""
    good: float = 0.5
    """Reward from which a run counts as one that turned out well."""
    gap: float = 0.2
    """Difference of the two shares below which a rule is no lesson, however sure it is."""
    discovery: float = 0.02
    """Expected share of false ones among the rules found at once (Benjamini and Hochberg 1995)."""
    alone: float = 0.001
    """p at which a rule must still stand out where better ones do not say it already."""
    most_episodes: int = 2_000
    """The latest looked at."""
    most_actions: int = 40
    most_orders: int = 60
    most_values: int = 12
    """Values of one feature, the most frequent."""
    most_cuts: int = 7
    """Thresholds of one numeric feature."""
    most_conditions: int = 240
    """Single and paired conditions together."""
    dense: float = 0.6
    """Cosine to the episode in its midst from which a text belongs to a cluster."""
    most_clusters: int = 20
    named: int = 50
    """Episodes a lesson names."""
    recent: int = 20
    """Latest runs of its own by which a lesson is judged to hold still."""
    several: int = 8
    """Graded episodes that a source has no part in, from which on it is not the only one: rules must stand without."""
    broken: float = 0.01
    """p at which they speak against it."""
