"""Plots as SVG inside a page: lines with bands, and means with their intervals. Start with `chart` and `whiskers`.

Colours are classes of the page's style (`evals/page.py`); every text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, ROW = 560, 340, 44, 144, 26, 44, 24
NAMES = 146
"""Where whiskers begin; on their left stand their names."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a line is told from others: by colour, and by dashes too."""

    colour: int = 1
    """0 to 7 of the page's style."""
    dashes: str = "1 3"
    main: bool = False
    """Drawn thicker."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Values along a side of a plot, from its first tick to its last."""

    ticks: Sequence[float]
    start: float
    """Where the first tick is drawn."""
    end: float

    def at(self, value: float) -> float:
        """Where a value is drawn."""
        low, high = self.ticks[0], self.ticks[-1]
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 1)


def across(ticks: Sequence[float]) -> Axis:
    """From left to right of a chart."""
    return Axis(ticks=ticks, start=LEFT, end=WIDTH - RIGHT)


def upward(ticks: Sequence[float]) -> Axis:
    """From the bottom of a chart to its top."""
    return Axis(ticks=ticks, start=HEIGHT - BOTTOM, end=TOP)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart."""

    name: str
    look: Look
    places: Sequence[tuple[float, float]]
    """Along and up, as values."""
    said: Sequence[str]
    """What each place says when it is pointed at."""
    band: Sequence[tuple[float, float]] = ()
    """The lowest and highest value at each place; empty: no band."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over a common axis."""

    title: str
    label: str
    """For those who do not see it."""
    along: Axis
    along_title: str
    up: Axis
    up_title: str
    shaded_from: float
    """Along the axis; to its end."""
    lines: Sequence[Line]
    turns: Mapping[float, str] = field(default_factory=dict)
    """What happened at a value along the axis."""


@dataclass(frozen=True, kw_only=True)
class Whisker:
    """A mean and its interval; unbounded: drawn as its mean alone."""

    name: str
    look: Look
    mean: float
    low: float
    high: float
    said: str


def chart(wanted: Chart) -> Iterator[str]:
    """A figure with its heading; names stand where the lines end."""
    along, up = wanted.along, wanted.up
    yield f"<figure><h3>{escape(wanted.title)}</h3><svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img "
    yield f"aria-label='{escape(wanted.label)}'>"
    yield from _frame(wanted)
    for place, said in wanted.turns.items():
        x = along.at(place)
        yield f"<line class=zero x1='{x}' x2='{x}' y1='{up.start}' y2='{up.end}'/>"
        yield _text(said, x + 5, up.end + 12, "start", "t")
    yield from (_band(one, along, up) for one in wanted.lines if one.band)
    yield from (_line(one, along, up) for one in wanted.lines)
    yield from _ends(wanted.lines, along, up)
    yield "</svg></figure>"


def whiskers(
    title: str, label: str, rows: Sequence[Whisker], axis_title: str, *, least: float = 1.0, signed: bool = True
) -> Iterator[str]:
    """A figure with a row each, over an axis that shows 0 and spans `least` or more; `signed`: it shows a plus."""
    found = [bound for one in rows for bound in (one.low, one.mean, one.high) if math.isfinite(bound)]
    along = Axis(ticks=ticks(min(0, *found), max(0, *found), least=least), start=NAMES, end=WIDTH - 56)
    bottom = TOP + ROW * len(rows)
    yield f"<figure><h3>{escape(title)}</h3><svg viewBox='0 0 {WIDTH} {bottom + BOTTOM}' role=img "
    yield f"aria-label='{escape(label)}'>"
    for tick in along.ticks:
        kind, x = "zero" if tick == 0 else "rule", along.at(tick)
        yield f"<line class={kind} x1='{x}' x2='{x}' y1='{TOP - 8}' y2='{bottom}'/>"
        yield _text(f"{tick:{'+' if signed and tick else ''}g}", x, bottom + 18, "middle", "t")
    for number, one in enumerate(rows):
        yield _whisker(one, along, TOP + ROW * number + 8)
    yield _text(axis_title, (along.start + along.end) / 2, bottom + 38, "middle", "t")
    yield "</svg></figure>"


def legend(looks: Mapping[str, Look]) -> Iterator[str]:
    """Which line is which."""
    yield "<ul class=legend>"
    for name, look in looks.items():
        yield f"<li><svg viewBox='0 0 28 10' aria-hidden=true>{_path(look, 'M0 5H28')}</svg> {escape(name)}</li>"
    yield "</ul>"


def ticks(low: float, high: float, *, least: float = 1.0) -> list[float]:
    """Round numbers about a range, about five steps of 1, 2 or 5 times a power of ten; the range is `least` or more."""
    rough = max(high - low, least) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def _frame(wanted: Chart) -> Iterator[str]:
    along, up = wanted.along, wanted.up
    left, right, top, bottom = along.start, along.end, up.end, up.start
    shaded = along.at(wanted.shaded_from)
    yield f"<rect class=shade x='{shaded}' y='{top}' width='{right - shaded:.1f}' height='{bottom - top}'/>"
    for tick in up.ticks:
        yield f"<line class=rule x1='{left}' x2='{right}' y1='{up.at(tick)}' y2='{up.at(tick)}'/>"
        yield _text(f"{tick:g}", left - 8, up.at(tick) + 4, "end", "t")
    for tick in along.ticks:
        yield _text(f"{tick:.0f}", along.at(tick), bottom + 18, "middle", "t")
    yield _text(wanted.up_title, 0, 12, "start", "t")
    yield _text(wanted.along_title, (left + right) / 2, bottom + 38, "middle", "t")


def _band(one: Line, along: Axis, up: Axis) -> str:
    """Along its lower edge and back on the upper one."""
    places = [along.at(x) for x, _ in one.places]
    there = [f"{x} {up.at(low)}" for x, (low, _) in zip(places, one.band, strict=True)]
    back = [f"{x} {up.at(high)}" for x, (_, high) in zip(places, one.band, strict=True)][::-1]
    return f"<path class='band k{one.look.colour}' d='M{'L'.join((*there, *back))}Z'/>"


def _line(one: Line, along: Axis, up: Axis) -> str:
    places = [(along.at(x), up.at(y)) for x, y in one.places]
    path = _path(one.look, "M" + "L".join(f"{x} {y}" for x, y in places))
    drawn = [f"<g class=k{one.look.colour}>{path}"]
    for said, (x, y) in zip(one.said, places, strict=True):
        drawn.append(f"<circle class=part cx='{x}' cy='{y}' r='2.2'><title>{escape(said)}</title></circle>")
    return "".join((*drawn, "</g>"))


def _ends(lines: Sequence[Line], along: Axis, up: Axis) -> Iterator[str]:
    """The names at the right, moved apart where lines end close together."""
    ends = sorted((up.at(one.places[-1][1]), one.name, one.look.colour) for one in lines)
    gap, places = 16.0, list[float]()
    for y, *_ in ends:
        places.append(max(y, places[-1] + gap) if places else y)
    ceiling = up.start
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], ceiling)
        ceiling = places[number] - gap
    right = round(along.end)
    for (y, name, colour), place in zip(ends, places, strict=True):
        yield f"<line class='lead k{colour}' x1='{right - 8}' y1='{y}' x2='{right + 6}' y2='{place}'/>"
        yield _text(name, right + 10, place + 4, "start", "")


def _whisker(one: Whisker, along: Axis, y: float) -> str:
    x, drawn = along.at(one.mean), ""
    if math.isfinite(one.low):
        low, high = along.at(one.low), along.at(one.high)
        ends = f"M{low} {y - 4}V{y + 4}M{high} {y - 4}V{y + 4}"
        drawn = f"<path class=line d='M{low} {y}H{high}{ends}'/>"
    name = _text(one.name, 0, y + 4, "start", "")
    mean = _text(one.said, WIDTH, y + 4, "end", "")
    return f"<g class=k{one.look.colour}>{drawn}<circle cx='{x}' cy='{y}' r='4.5'/></g>{name}{mean}"


def _path(look: Look, drawn: str) -> str:
    main = " main" if look.main else ""
    return f"<path class='line{main} k{look.colour}' stroke-dasharray='{look.dashes or 'none'}' d='{drawn}'/>"


def _text(said: str, x: float, y: float, anchor: str, kind: str) -> str:
    return f"<text class='{kind}' x='{x:g}' y='{y:g}' text-anchor={anchor}>{escape(said)}</text>"
