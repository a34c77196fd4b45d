"""Small charts of bars, made of numbers only, with the same in words. Start with `Chart`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from api.console.parts import box, set_prop, set_text, text
from api.console.words import number

WIDTH, HEIGHT, GAP = 240.0, 36.0, 2.0
SMALLEST = 1.5
"""Of a bar that stands for something."""
Span = Literal["hours", "days"]


@dataclass(frozen=True, kw_only=True)
class Series:
    """A number for each of some times that follow each other, oldest first; None: nothing is known."""

    what: str
    span: Span
    begins: tuple[datetime, ...]
    values: tuple[float | None, ...]
    most: float | None = None
    """What a full bar stands for; None: the largest of them."""

    @property
    def words(self) -> str:
        """What the chart shows, for those who do not see it."""
        per = "hour of the last 24" if self.span == "hours" else f"day of the last {len(self.values)}"
        known = [(at, value) for at, value in zip(self.begins, self.values, strict=True) if value is not None]
        if not any(value for _, value in known):
            return f"{self.what} for each {per}: none."
        at, most = max(known, key=lambda one: one[1])
        each = ", ".join("-" if value is None else _short(value) for value in self.values)
        return f"{self.what} for each {per}: most {_short(most)} {self._name(at)}. Oldest first: {each}."

    def _name(self, at: datetime) -> str:
        return f"at {at:%H:%M} UTC" if self.span == "hours" else f"on {at:%Y-%m-%d}"


def _short(value: float) -> str:
    return number(round(value, 2))


def bars(series: Series) -> tuple[str, str]:
    """The bars as the data of a path, those of times that are over and the one that goes on."""
    most = series.most or max((value for value in series.values if value is not None), default=0.0)
    wide = WIDTH / max(1, len(series.values))
    drawn = ["", ""]
    for index, value in enumerate(series.values):
        if not value or value < 0 or not most:
            continue
        high = max(SMALLEST, HEIGHT * min(1.0, value / most))
        left, top = index * wide + GAP / 2, HEIGHT - high
        bar = f"M{left:.1f} {top:.1f}h{wide - GAP:.1f}v{high:.1f}h{GAP - wide:.1f}z"
        drawn[index == len(series.values) - 1] += bar
    return drawn[0], drawn[1]


class Chart:
    """A chart on the page, on a line for the numbers to stand on."""

    def __init__(self, series: Series) -> None:
        with box("svg", "sg-trend").props('role="img" preserveAspectRatio="none"') as self._drawn:
            self._drawn.props["viewBox"] = f"0 0 {WIDTH:g} {HEIGHT + 1:g}"
            self._title = text("title", "")
            box("path", "sg-base").props["d"] = f"M0 {HEIGHT + 0.5:g}H{WIDTH:g}"
            self._over, self._going = box("path", "sg-bars"), box("path", "sg-bars sg-going")
        self._series: Series | None = None
        self.show(series)

    def show(self, series: Series) -> None:
        """Draw this; only what differs is changed."""
        if series == self._series:
            return
        self._series = series
        over, going = bars(series)
        set_text(self._title, series.words)
        set_prop(self._drawn, "aria-label", series.words)
        set_prop(self._over, "d", over)
        set_prop(self._going, "d", going)


def against(now: float, before: float) -> str:
    """Today against yesterday at this time of day: `12 % more than yesterday by this time`."""
    then = "yesterday by this time"
    if not before:
        return f"none {then}" if now else ""
    if now == before:
        return f"as many as {then}"
    apart = abs(now - before) / before
    if before < 10 or apart >= 10:
        return f"{number(before)} {then}"
    if round(100 * apart) == 0:
        return f"about as many as {then}"
    return f"{100 * apart:.0f} % {'more' if now > before else 'fewer'} than {then}"
