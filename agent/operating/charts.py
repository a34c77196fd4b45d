"""A chart as a card: bars with what each stands for in words, for a client to draw. Start with `chart`."""

from __future__ import annotations

from collections.abc import Sequence

from agent.operating.types import Card
from agent.operating.wording import plain
from tools.types import JsonValue

BARS = 8
FEWEST = 2
"""One bar compares with nothing."""


def chart(id: str, title: str, bars: Sequence[tuple[str, float, str]], full: float | None = None) -> tuple[Card, ...]:
    """A card of bars `(name, value, words)`, values not below 0; none where there is nothing to compare.

    `full` is what a full bar stands for; None: the largest value.
    """
    shown = bars[:BARS]
    top = full if full is not None else max((value for _, value, _ in shown), default=0.0)
    if len(shown) < FEWEST or top <= 0:
        return ()
    drawn: list[JsonValue] = [{"name": plain(name), "value": value, "words": words} for name, value, words in shown]
    return (Card(kind="chart", id=id, title=title, detail={"full": top, "bars": drawn}),)
