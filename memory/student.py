"""Student's t for 95 % intervals of means (Student 1908). Start with `t_95`."""

from __future__ import annotations


def t_95(freedom: float) -> float:
    """How many standard errors a 95 % interval reaches to either side, with so many degrees of freedom."""
    # Takes a third of a second to import (scipy.stats: over a second), and only who looks at figures needs it.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))
