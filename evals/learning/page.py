"""What `segue eval learning` found, as one HTML page that needs nothing else. Start with `page`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from evals import plots
from evals.intervals import Spread
from evals.learning.parts import Compared, Curves, Section
from evals.page import document, marks, table
from evals.plots import Axis, Chart, Line, Look, Whisker

TITLE = "Do decisions improve from late outcomes?"
LOOKS: Mapping[str, Look] = {
    "no_memory": Look(colour=0, dashes=""),
    "nothing_shown": Look(colour=0, dashes=""),
    "product": Look(colour=2, dashes="", main=True),
    "memory": Look(colour=2, dashes="", main=True),
    "oracle": Look(colour=3, dashes="6 4"),
    "unexplored": Look(colour=4, dashes="8 3 2 3"),
}


def page(sections: Sequence[Section], seconds: float) -> str:
    """Marks first, then each part: what it was played with, its figures, its curves."""
    found = [mark for section in sections for mark in section.marks]
    missed = sum(mark.state == "failed" for mark in found)
    played = ", ".join(section.name for section in sections)
    about = f"Played: {played}. {len(found)} marks, {missed} missed. Took {seconds:.0f} s."
    parts = [*marks(found), *(piece for section in sections for piece in _section(section))]
    return document(TITLE, about, parts)


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{escape(section.name)}</h2>"
    said = (f"{escape(name)}: {escape(value)}" for name, value in section.settings.items())
    yield f"<ul class=about>{''.join(f'<li>{one}</li>' for one in said)}</ul>"
    for figures in section.figures:
        yield f"<h3>{escape(figures.title)}</h3>"
        yield from table(figures.columns, figures.rows)
    if section.curves:
        yield "<p class=about>Mean over seeds; a band is its 95 % interval. Shaded: what the figures are taken "
        yield "from.</p>"
        yield from plots.legend({arm: _look(arm) for curves in section.curves for arm in curves.arms})
    yield "<div class=plots>"
    for curves in section.curves:
        yield from plots.chart(_chart(curves))
    for compared in section.compared:
        yield from _whiskers(compared)
    yield "</div>"


def _chart(curves: Curves) -> Chart:
    return Chart(
        title=curves.title,
        label=f"learning curves, {curves.title}",
        along=plots.across([curves.events * quarter / 4 for quarter in range(5)]),
        along_title=curves.counted,
        up=_up(curves),
        up_title=curves.measure,
        shaded_from=curves.judged_from,
        lines=[_line(arm, curve, curves) for arm, curve in curves.arms.items()],
    )


def _up(curves: Curves) -> Axis:
    parts = [part for curve in curves.arms.values() for part in curve]
    bounds = [bound for part in parts for bound in _within(part, curves.most)]
    return plots.upward(plots.ticks(min(bounds), max(bounds)))


def _line(arm: str, curve: Sequence[Spread], curves: Curves) -> Line:
    count = len(curve)
    return Line(
        name=arm,
        look=_look(arm),
        places=[((part + 0.5) * curves.events / count, one.mean) for part, one in enumerate(curve)],
        said=[f"{arm}, part {part} of {count}: {_told(one)}" for part, one in enumerate(curve, start=1)],
        band=[_within(one, curves.most) for one in curve] if all(math.isfinite(one.low) for one in curve) else (),
    )


def _within(spread: Spread, most: float | None) -> tuple[float, float]:
    """Its interval, as far as there can be such values; its mean where it has no interval."""
    if not math.isfinite(spread.low):
        return spread.mean, spread.mean
    return max(0.0, spread.low), min(spread.high, math.inf if most is None else most)


def _whiskers(compared: Compared) -> Iterator[str]:
    rows = [
        Whisker(
            name=name,
            look=_look(name),
            mean=one.mean,
            low=one.low,
            high=one.high,
            said=format(one.mean, compared.shown),
        )
        for name, one in compared.rows.items()
    ]
    label = f"{compared.title}: {compared.measure}, means and 95 % intervals"
    signed = compared.shown.startswith("+")
    return plots.whiskers(compared.title, label, rows, compared.measure, least=0.01, signed=signed)


def _told(spread: Spread) -> str:
    if not math.isfinite(spread.low):
        return f"{spread.mean:.3g}"
    return f"{spread.mean:.3g} ({spread.low:.3g} to {spread.high:.3g})"


def _look(arm: str) -> Look:
    return LOOKS.get(arm, Look(colour=2, dashes=""))
