"""Curves and intervals as pictures made of numbers. Start with `curve_of`, `span_of`: data, then `draw`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from api.console.parts import box, text
from api.console.words import at, moment_of

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 12, 28
SPAN_HEIGHT = 72
LEAST_REACH = 0.05
"""Of a span to either side of zero, so that a little is seen to be little."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """An element of a picture: its tag, its attributes, its class, and words in it."""

    tag: str
    look: str
    given: Mapping[str, str]
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is drawn, and the same in words."""

    width: int
    height: int
    label: str
    shapes: tuple[Shape, ...]


def draw(picture: Picture) -> ui.element:
    """As an inline picture."""
    with box("svg", "sg-svg").props('role="img"') as made:
        made.props["viewBox"] = f"0 0 {picture.width} {picture.height}"
        made.props["aria-label"] = picture.label
        for one in picture.shapes:
            element: ui.element = text(one.tag, one.words, one.look) if one.words else box(one.tag, one.look)
            for name, value in one.given.items():
                element.props[name] = value
    return made


def curve_of(points: Sequence[Mapping[str, Any]], arms: Mapping[str, str], label: str) -> Picture:
    """Mean rewards from 0 to 1, a line and a band for each arm; points stand equally far apart."""
    shapes = [*_grid(), *_ends(points)]
    for arm in arms:
        shapes += _arm(points, arm)
    return Picture(width=WIDTH, height=HEIGHT, label=label, shapes=tuple(shapes))


def _grid() -> Iterator[Shape]:
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = f"{_y(value):.1f}"
        yield Shape(
            tag="line", look="sg-grid-line", given={"x1": str(LEFT), "x2": str(WIDTH - RIGHT), "y1": y, "y2": y}
        )
        where = {"x": str(LEFT - 6), "y": f"{_y(value) + 4:.1f}", "text-anchor": "end"}
        yield Shape(tag="text", look="sg-grid-words", given=where, words=f"{value:g}")


def _ends(points: Sequence[Mapping[str, Any]]) -> Iterator[Shape]:
    """When the first begins and the last ends."""
    if not points:
        return
    for words, x, anchor in ((points[0]["since"], LEFT, "start"), (points[-1]["until"], WIDTH - RIGHT, "end")):
        given = {"x": str(x), "y": str(HEIGHT - 8), "text-anchor": anchor}
        yield Shape(tag="text", look="sg-grid-words", given=given, words=at(moment_of(words))[:10])


def _arm(points: Sequence[Mapping[str, Any]], arm: str) -> Iterator[Shape]:
    known = [(place, point[arm]) for place, point in enumerate(points) if point[arm] is not None]
    if not known:
        return
    upper = [_at(place, len(points), one["high"]) for place, one in known]
    lower = [_at(place, len(points), one["low"]) for place, one in reversed(known)]
    middle = [_at(place, len(points), one["mean"]) for place, one in known]
    yield Shape(tag="polygon", look=f"sg-band sg-of-{arm}", given={"points": " ".join([*upper, *lower])})
    yield Shape(tag="polyline", look=f"sg-line sg-of-{arm}", given={"points": " ".join(middle)})
    for one in middle:
        x, y = one.split(",")
        yield Shape(tag="circle", look=f"sg-dot sg-of-{arm}", given={"cx": x, "cy": y, "r": "3"})


def _at(place: int, count: int, value: float) -> str:
    x = LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / count
    return f"{x:.1f},{_y(value):.1f}"


def _y(value: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value)


def span_of(middle: float, low: float, high: float, label: str) -> Picture:
    """A difference with its interval, and where zero is."""
    reach = max(abs(low), abs(high), abs(middle), LEAST_REACH) * 1.15

    def x(value: float) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * (value + reach) / (2 * reach):.1f}"

    axis = {"x1": str(LEFT), "x2": str(WIDTH - RIGHT), "y1": "34", "y2": "34"}
    zero = {"x1": x(0.0), "x2": x(0.0), "y1": "6", "y2": "50"}
    band = {"x": x(low), "y": "22", "width": f"{float(x(high)) - float(x(low)):.1f}", "height": "24"}
    shapes = [
        Shape(tag="line", look="sg-grid-line", given=axis),
        Shape(tag="rect", look="sg-band sg-of-memory", given=band),
        Shape(tag="line", look="sg-zero", given=zero),
        Shape(tag="circle", look="sg-dot sg-of-memory", given={"cx": x(middle), "cy": "34", "r": "5"}),
    ]
    for value in (-reach / 1.15, 0.0, reach / 1.15):
        given = {"x": x(value), "y": str(SPAN_HEIGHT - 4), "text-anchor": "middle"}
        shapes.append(Shape(tag="text", look="sg-grid-words", given=given, words=f"{value:+.3f}" if value else "0"))
    return Picture(width=WIDTH, height=SPAN_HEIGHT, label=label, shapes=tuple(shapes))
