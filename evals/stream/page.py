"""Figures of streams as one HTML page that needs nothing else. Start with `page`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from evals import plots
from evals.intervals import Spread
from evals.page import document, marks, table
from evals.plots import Axis, Chart, Line, Look, Whisker, ticks
from evals.stream.figures import ArmFigures, Report, last_quarter_begins, split
from evals.stream.telling import COLUMNS, cells, heading, in_short

LOOKS: Mapping[str, Look] = {
    "no_memory": Look(colour=0, dashes=""),
    "cosine": Look(colour=1, dashes="2 3"),
    "product": Look(colour=2, dashes="", main=True),
    "ceiling": Look(colour=3, dashes=""),
    "own_ceiling": Look(colour=3, dashes="6 4"),
    "successes": Look(colour=4, dashes=""),
    "cache": Look(colour=5, dashes="8 3 2 3"),
    "placebo": Look(colour=6, dashes="4 3"),
    "amnesia": Look(colour=7, dashes="10 3"),
    "controlled": Look(colour=2, dashes="1 3"),
    "placebo_controlled": Look(colour=6, dashes="1 3"),
}
"""Of an arm, with and without stress."""


def page(report: Report, title: str) -> str:
    """Figures, curves, gains and marks."""
    parts = (*_figures(report), *_curves(report), *_gains(report), *marks(report.marks))
    return document(title, heading(report), parts)


def _figures(report: Report) -> Iterator[str]:
    yield "<h2>Figures</h2>"
    yield from table(COLUMNS, (cells(one) for one in report.arms))
    yield "<ul>"
    yield from (f"<li>{escape(line)}</li>" for line in in_short(report))
    yield "</ul>"


def _curves(report: Report) -> Iterator[str]:
    """A plot a stress, all on the same scale."""
    if not report.arms:
        return
    shares = [100 * share for one in report.arms for share in one.curve]
    up = plots.upward(ticks(min(shares), max(shares)))
    along = plots.across([report.events * quarter / 4 for quarter in range(5)])
    yield "<h2>Learning curves</h2>"
    yield f"<p class=about>Right decisions in each of {len(report.arms[0].curve)} equal parts of the stream, mean over "
    yield "seeds. Shaded: the last quarter, which the gains are read from.</p>"
    yield from plots.legend({name: _look(name) for name in (split(one.arm)[0] for one in report.arms)})
    yield "<div class=plots>"
    for stress in dict.fromkeys(split(one.arm)[1] for one in report.arms):
        yield from _plot(stress, [one for one in report.arms if split(one.arm)[1] == stress], along, up)
    yield "</div>"


def _plot(stress: str, arms: Sequence[ArmFigures], along: Axis, up: Axis) -> Iterator[str]:
    name, events = stress or "no stress", along.ticks[-1]
    yield from plots.chart(
        Chart(
            title=name,
            label=f"learning curves, {name}",
            along=along,
            along_title="events of the stream",
            up=up,
            up_title="right decisions, %",
            shaded_from=last_quarter_begins(round(events)),
            lines=[_line(one, events) for one in arms],
            turns={events / 2: "drift"} if stress == "drift" else {},
        )
    )


def _line(one: ArmFigures, events: float) -> Line:
    parts = len(one.curve)
    return Line(
        name=split(one.arm)[0],
        look=_look(one.arm),
        places=[((part + 0.5) * events / parts, 100 * share) for part, share in enumerate(one.curve)],
        said=[f"{one.arm}, part {part} of {parts}: {share:.1%}" for part, share in enumerate(one.curve, start=1)],
    )


def _gains(report: Report) -> Iterator[str]:
    yield "<h2>Gains in the last quarter</h2><p class=about>Mean and 95 % interval over seeds, each beside the same "
    yield "stream's other arm under the same stress (cosine without stress where it was not played with it).</p>"
    yield "<div class=plots>"
    for other in ("no_memory", "cosine"):
        gains = [(one.arm, one.gain if other == "no_memory" else one.gain_over_cosine) for one in report.arms]
        rows = [_whisker(arm, gain) for arm, gain in gains if gain and split(arm)[0] != other]
        if rows:
            yield from plots.whiskers(f"over {other}", f"gains over {other}", rows, f"points over {other}")
    yield "</div>"


def _whisker(arm: str, gain: Spread) -> Whisker:
    return Whisker(name=arm, look=_look(arm), mean=gain.mean, low=gain.low, high=gain.high, said=f"{gain.mean:+.1f}")


def _look(arm: str) -> Look:
    return LOOKS.get(split(arm)[0], Look())
