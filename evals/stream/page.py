"""Figures of streams as one HTML page that needs nothing else. Start with `page`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from evals.stream.figures import ArmFigures, Report, Spread, last_quarter_begins, split
from evals.stream.telling import COLUMNS, cells, heading, in_short, measured, verdict

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1d2430;--soft:#5a6475;--rule:#dde2ea;--shade:#f2f4f8;--bad:#b00020;
--c0:#1d2430;--c1:#7a8494;--c2:#0072b2;--c3:#00835f;--c4:#c98500;--c5:#3d9fd8;--c6:#b85c96;--c7:#c24e00}
@media(prefers-color-scheme:dark){:root{--paper:#14181f;--ink:#e6eaf0;--soft:#a3adbc;--rule:#333b48;--shade:#1d232d;
--bad:#ff8a95;--c0:#e6eaf0;--c1:#8b95a5;--c2:#4aa3e0;--c3:#1fb58a;--c4:#e69f00;--c5:#8fd0f5;--c6:#d98fbc;--c7:#f0743a}}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem;background:var(--paper);
color:var(--ink)}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}h3{font-size:1rem;margin:0 0 .25rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid var(--rule);padding:.35rem .5rem;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.n,td:first-child{white-space:nowrap}
.about,.skipped{color:var(--soft)}.failed{color:var(--bad);font-weight:600}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1.5rem}
figure{margin:0;min-width:0;max-width:640px}svg{display:block;width:100%;height:auto}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;list-style:none}.legend svg{display:inline;width:28px}
text{font:13px system-ui,sans-serif;fill:var(--ink)}text.t{fill:var(--soft)}
.rule{stroke:var(--rule)}.zero{stroke:var(--soft)}.shade{fill:var(--shade)}.lead{stroke:var(--k);opacity:.5}
.line{fill:none;stroke:var(--k);stroke-width:1.6;stroke-linejoin:round}.line.main{stroke-width:3}
circle{fill:var(--k);stroke:transparent;stroke-width:9;pointer-events:all}
@media(max-width:520px){text{font-size:16px}}
"""
STYLE += "".join(f".k{number}{{--k:var(--c{number})}}" for number in range(8))

LINES: Mapping[str, tuple[int, str]] = {
    "no_memory": (0, ""),
    "cosine": (1, "2 3"),
    "product": (2, ""),
    "ceiling": (3, ""),
    "own_ceiling": (3, "6 4"),
    "successes": (4, ""),
    "cache": (5, "8 3 2 3"),
    "placebo": (6, "4 3"),
    "amnesia": (7, "10 3"),
    "controlled": (2, "1 3"),
    "placebo_controlled": (6, "1 3"),
}
"""Colour and dashes of an arm, with and without stress: after Okabe and Ito, told apart by dashes too."""
OTHER = (1, "1 3")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, ROW = 560, 340, 44, 144, 26, 44, 24


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


def page(report: Report, title: str) -> str:
    """Light and dark, for a wide window and a phone; nothing is loaded and nothing runs."""
    parts = (*_figures(report), *_curves(report), *_gains(report), *_marks(report))
    head = (
        "<meta charset='utf-8'><meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    body = f"<h1>{escape(title)}</h1><p class=about>{escape(heading(report))}</p>{''.join(parts)}"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"


def _figures(report: Report) -> Iterator[str]:
    yield "<h2>Figures</h2><div class=wide><table><tr>"
    for number, name in enumerate(COLUMNS):
        yield f"<th{' class=n' if number else ''}>{escape(name)}</th>"
    yield "</tr>"
    for one in report.arms:
        name, *rest = cells(one)
        yield f"<tr><td>{escape(name)}</td>{''.join(f'<td class=n>{escape(cell)}</td>' for cell in rest)}</tr>"
    yield "</table></div><ul>"
    yield from (f"<li>{escape(line)}</li>" for line in in_short(report))
    yield "</ul>"


def _marks(report: Report) -> Iterator[str]:
    yield "<h2>Marks</h2><div class=wide><table><tr><th>mark</th><th>wanted</th><th class=n>measured</th><th></th></tr>"
    for mark in report.marks:
        yield f"<tr><td>{escape(mark.name)}</td><td>{escape(mark.wanted)}</td><td class=n>{measured(mark)}</td>"
        yield f"<td class={mark.state}>{escape(verdict(mark))}</td></tr>"
    yield "</table></div>"


def _curves(report: Report) -> Iterator[str]:
    """A plot a stress, all on the same scale."""
    if not report.arms:
        return
    shares = [100 * share for one in report.arms for share in one.curve]
    up = Axis(ticks=_ticks(min(shares), max(shares)), start=HEIGHT - BOTTOM, end=TOP)
    quarters = [report.events * quarter / 4 for quarter in range(5)]
    along = Axis(ticks=quarters, start=LEFT, end=WIDTH - RIGHT)
    yield "<h2>Learning curves</h2>"
    yield f"<p class=about>Right decisions in each of {len(report.arms[0].curve)} equal parts of the stream, mean over "
    yield "seeds. Shaded: the last quarter, which the gains are read from.</p>"
    yield from _legend(report)
    yield "<div class=plots>"
    for stress in dict.fromkeys(split(one.arm)[1] for one in report.arms):
        yield from _plot(stress, [one for one in report.arms if split(one.arm)[1] == stress], along, up)
    yield "</div>"


def _plot(stress: str, arms: Sequence[ArmFigures], along: Axis, up: Axis) -> Iterator[str]:
    name = escape(stress) or "no stress"
    yield f"<figure><h3>{name}</h3><svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='learning curves, {name}'>"
    yield from _frame(along, up)
    if stress == "drift":
        half = along.at(along.ticks[-1] / 2)
        yield f"<line class=zero x1='{half}' x2='{half}' y1='{up.start}' y2='{up.end}'/>"
        yield _text("drift", half + 5, up.end + 12, "start", "t")
    yield from (_curve(one, along, up) for one in arms)
    yield from _ends(arms, up)
    yield "</svg></figure>"


def _legend(report: Report) -> Iterator[str]:
    yield "<ul class=legend>"
    for name in dict.fromkeys(split(one.arm)[0] for one in report.arms):
        yield f"<li><svg viewBox='0 0 28 10' aria-hidden=true>{_path(name, 'M0 5H28')}</svg> {escape(name)}</li>"
    yield "</ul>"


def _frame(along: Axis, up: Axis) -> Iterator[str]:
    left, right, top, bottom = along.start, along.end, up.end, up.start
    shaded = along.at(last_quarter_begins(round(along.ticks[-1])))
    yield f"<rect class=shade x='{shaded}' y='{top}' width='{right - shaded:.1f}' height='{bottom - top}'/>"
    for tick in up.ticks:
        yield f"<line class=rule x1='{left}' x2='{right}' y1='{up.at(tick)}' y2='{up.at(tick)}'/>"
        yield _text(f"{tick:g}", left - 8, up.at(tick) + 4, "end", "t")
    for tick in along.ticks:
        yield _text(f"{tick:.0f}", along.at(tick), bottom + 18, "middle", "t")
    yield _text("right decisions, %", 0, 12, "start", "t")
    yield _text("events of the stream", (left + right) / 2, bottom + 38, "middle", "t")


def _curve(one: ArmFigures, along: Axis, up: Axis) -> str:
    parts = len(one.curve)
    each = along.ticks[-1] / parts
    places = [(along.at((part + 0.5) * each), up.at(100 * share)) for part, share in enumerate(one.curve)]
    path = _path(split(one.arm)[0], "M" + "L".join(f"{x} {y}" for x, y in places))
    drawn = [f"<g class=k{_line(one.arm)[0]}>{path}"]
    for part, (share, (x, y)) in enumerate(zip(one.curve, places, strict=True), start=1):
        said = f"{one.arm}, part {part} of {parts}: {share:.1%}"
        drawn.append(f"<circle class=part cx='{x}' cy='{y}' r='2.2'><title>{escape(said)}</title></circle>")
    return "".join((*drawn, "</g>"))


def _ends(arms: Sequence[ArmFigures], up: Axis) -> Iterator[str]:
    """The names at the right, moved apart where lines end close together."""
    ends = sorted((up.at(100 * one.curve[-1]), split(one.arm)[0]) for one in arms)
    gap, places = 16.0, list[float]()
    for y, _ in ends:
        places.append(max(y, places[-1] + gap) if places else y)
    ceiling = up.start
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], ceiling)
        ceiling = places[number] - gap
    right = WIDTH - RIGHT
    for (y, name), place in zip(ends, places, strict=True):
        yield f"<line class='lead k{_line(name)[0]}' x1='{right - 8}' y1='{y}' x2='{right + 6}' y2='{place}'/>"
        yield _text(name, right + 10, place + 4, "start", "")


def _gains(report: Report) -> Iterator[str]:
    yield "<h2>Gains in the last quarter</h2><p class=about>Mean and 95 % interval over seeds, each beside the same "
    yield "stream's other arm under the same stress (cosine without stress where it was not played with it).</p>"
    yield "<div class=plots>"
    for other in ("no_memory", "cosine"):
        gains = [(one.arm, one.gain if other == "no_memory" else one.gain_over_cosine) for one in report.arms]
        rows = [(arm, gain) for arm, gain in gains if gain and split(arm)[0] != other]
        if rows:
            yield from _whiskers(rows, other)
    yield "</div>"


def _whiskers(rows: Sequence[tuple[str, Spread]], other: str) -> Iterator[str]:
    found = [bound for _, gain in rows for bound in (gain.low, gain.mean, gain.high) if math.isfinite(bound)]
    along = Axis(ticks=_ticks(min(0, *found), max(0, *found)), start=146, end=WIDTH - 56)
    bottom = TOP + ROW * len(rows)
    yield f"<figure><h3>over {other}</h3><svg viewBox='0 0 {WIDTH} {bottom + BOTTOM}' role=img "
    yield f"aria-label='gains over {other}'>"
    for tick in along.ticks:
        kind, x = "zero" if tick == 0 else "rule", along.at(tick)
        yield f"<line class={kind} x1='{x}' x2='{x}' y1='{TOP - 8}' y2='{bottom}'/>"
        yield _text(f"{tick:+g}" if tick else "0", x, bottom + 18, "middle", "t")
    for number, (arm, gain) in enumerate(rows):
        yield _whisker(arm, gain, along, TOP + ROW * number + 8)
    yield _text(f"points over {other}", (along.start + along.end) / 2, bottom + 38, "middle", "t")
    yield "</svg></figure>"


def _whisker(arm: str, gain: Spread, along: Axis, y: float) -> str:
    x, drawn = along.at(gain.mean), ""
    if math.isfinite(gain.low):
        low, high = along.at(gain.low), along.at(gain.high)
        ends = f"M{low} {y - 4}V{y + 4}M{high} {y - 4}V{y + 4}"
        drawn = f"<path class=line d='M{low} {y}H{high}{ends}'/>"
    name = _text(arm, 0, y + 4, "start", "")
    mean = _text(f"{gain.mean:+.1f}", WIDTH, y + 4, "end", "")
    return f"<g class=k{_line(arm)[0]}>{drawn}<circle cx='{x}' cy='{y}' r='4.5'/></g>{name}{mean}"


def _line(arm: str) -> tuple[int, str]:
    return LINES.get(split(arm)[0], OTHER)


def _path(name: str, drawn: str) -> str:
    colour, dashes = _line(name)
    main = " main" if name == "product" else ""
    return f"<path class='line{main} k{colour}' stroke-dasharray='{dashes or 'none'}' d='{drawn}'/>"


def _text(said: str, x: float, y: float, anchor: str, kind: str) -> str:
    return f"<text class='{kind}' x='{x:g}' y='{y:g}' text-anchor={anchor}>{escape(said)}</text>"


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers about a range, about five steps of 1, 2 or 5 times a power of ten."""
    rough = max(high - low, 1.0) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * number for number in range(first, max(last, first + 1) + 1)]
