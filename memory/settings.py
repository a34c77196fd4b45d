"""The constants of the formula by which like episodes change a choice. Start with `Settings`."""

from __future__ import annotations

import math
from dataclasses import dataclass

_POSITIVE = (
    *("kappa", "h", "weight", "k", "pool", "half_life_days", "temperature", "source_cap"),
    *("gain", "h_bare", "h_surprise", "ridge", "source_pull", "standing"),
)
_SHARES = (
    ("s0", -1.0),
    ("mismatch", 0.0),
    ("operator_trust", 0.0),
    ("discount", 0.0),
    ("lexical", 0.0),
    ("nothing", -1.0),
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The constants of the formula. Unless said otherwise: tried on half of MetaTool (199 tools, MiniLM)."""

    kappa: float = 1.0
    """Pseudo-observations the prior counts for."""
    s0: float = 0.3
    """Cosine below which an episode is no neighbour."""
    h: float = 0.2
    """Width of the kernel of S and F: at a cosine lower by h an episode weighs 1/e. Tried on the season of a plant."""
    h_bare: float = 0.1
    """The same where the situation has no features, so that its text alone must tell it from others."""
    weight: float = 5.0
    """Weight of one outcome in an identical situation, in the unit of kappa."""
    k: int = 30
    """Episodes that may speak."""
    pool: int = 200
    """Nearest episodes looked at, of which the k weightiest speak. More than k, since those without an outcome say
    nothing and texts from a template are alike, so that features must choose among many. Our choice, not measured."""
    half_life_days: float = 90.0
    """H: age at which an episode weighs half. Our choice, not measured."""
    temperature: float = 0.055
    """Of the softmax that turns cosines into the prior."""
    nothing: float = 0.25
    """What calling nothing is expected to be worth before there is evidence, in the unit of a cosine: where every tool
    is expected to be worth less, none is meant. Tried on half of CLINC150, of which one query in twenty is about
    something else, and on MetaTool, where there is always a tool."""
    lexical: float = 0.008
    """What a unit of BM25 between the text and a tool's words adds to a cosine before it becomes the prior."""
    gain: float = 1.7
    """Logits that one unit of surprise moves the prior by, for each nat of the logarithm of the number of rivals: among
    many it takes more to stand out. Tried with 199; for a few, our choice."""
    h_surprise: float = 0.4
    """Width of the kernel of surprises: wider than h, as what a failure tells about rivals holds farther away."""
    ridge: float = 0.3
    """How far one episode's surprise is luck: variance of its noise, in that of the surprise itself."""
    mismatch: float = 0.15
    """Factor of one categorical feature that differs. Our choice, not measured."""
    operator_trust: float = 0.5
    """Share of `weight` that an operator's yes or no has before an outcome is known. Our choice, not measured."""
    discount: float = 0.9
    """Part of a run's reward an action keeps as its own for each decision after it that called something: the closer to
    the outcome, the likelier its cause."""
    standing: float = 0.5
    """Part of the greatest source's like episodes that another must have, so that its own weigh in full; below, they
    weigh in proportion. One source alone, and many of a size, all weigh in full."""
    source_pull: float = 1.0
    """Surprise one event source may contribute to one action, in either direction."""
    source_cap: float = 10.0
    """Summed weight one event source may contribute to one action. Our choice, not measured."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"memory settings: {name} is {value!r}. Use a finite number above 0.")
        for name, low in _SHARES:
            value = getattr(self, name)
            if not low <= value <= 1:
                raise ValueError(f"memory settings: {name} is {value!r}. Use a number from {low:g} to 1.")
