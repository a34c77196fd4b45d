"""Where episodes are drawn, and which of them a browser says were chosen. Start with `spread`, then `chosen`.

What was chosen is a shape or a place, in the map's own coordinates; it comes from outside, so anything else is nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_CORNERS = 400
FARTHEST = 1_000.0
"""The map lies in [-1, 1]; who has zoomed out sees more."""


APART = 0.01
"""Of the map, between episodes that would lie on one place."""
TURN = math.pi * (3.0 - math.sqrt(5.0))
"""Between two seeds of a sunflower (Vogel 1979)."""


def spread(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As they are drawn: those on one place around it like the seeds of a sunflower, the first in the middle."""
    seen: Counter[tuple[float, float]] = Counter()
    drawn = []
    for point in points:
        place = point["x"], point["y"]
        number = seen[place]
        seen[place] += 1
        away, turned = APART * math.sqrt(number), TURN * number
        drawn.append({**point, "x": place[0] + away * math.cos(turned), "y": place[1] + away * math.sin(turned)})
    return drawn


def chosen(points: Sequence[Mapping[str, Any]], said: object) -> list[int] | None:
    """Places in `points`, in their order; None for what says nothing that could be asked."""
    if not isinstance(said, Mapping):
        return None
    if "shape" in said:
        corners = _corners(said["shape"])
        return None if corners is None else _inside(points, corners)
    place, within = _place(said.get("near")), _number(said.get("within"))
    if place is None or within is None:
        return None
    return _nearest(points, place, within)


def _corners(said: object) -> list[tuple[float, float]] | None:
    if not isinstance(said, list) or len(said) > MOST_CORNERS:
        return None
    places = [place for one in said if (place := _place(one)) is not None]
    return places if len(places) == len(said) else None


def _place(said: object) -> tuple[float, float] | None:
    if not isinstance(said, list) or len(said) != 2:
        return None
    x, y = _number(said[0]), _number(said[1])
    return None if x is None or y is None else (x, y)


def _number(said: object) -> float | None:
    """One that lies within reach."""
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return float(said) if -FARTHEST <= said <= FARTHEST else None


def _inside(points: Sequence[Mapping[str, Any]], corners: Sequence[tuple[float, float]]) -> list[int]:
    """Even and odd: a line to the right crosses the outline once more or less where it leaves the shape."""
    if len(corners) < 3 or not points:
        return []
    x, y = _axes(points)
    within = np.zeros(len(points), dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if ay != by:
            crosses = (ay > y) != (by > y)
            within ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return [int(place) for place in np.flatnonzero(within)]


def _nearest(points: Sequence[Mapping[str, Any]], place: tuple[float, float], within: float) -> list[int]:
    """The one nearest, and all that lie on the very same place: nobody could click them apart."""
    if not points:
        return []
    x, y = _axes(points)
    away = np.hypot(x - place[0], y - place[1])
    least = float(away.min())
    return [int(one) for one in np.flatnonzero(away <= least + 1e-9)] if least <= within else []


def _axes(points: Sequence[Mapping[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([one["x"] for one in points]), np.array([one["y"] for one in points])
