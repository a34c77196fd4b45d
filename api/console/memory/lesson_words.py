"""What is said of a lesson: what bears it out, what it did. Start with `support`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.console.words import number, share
from api.terminal import line

AGAINST: Mapping[str, str] = {
    "others": "where something else was done",
    "elsewhere": "where the same was done under other conditions",
    "reversed": "the other way round",
}


def support(lesson: Mapping[str, Any]) -> str:
    """`Of 31 runs 29 went well (94 %); where something else was done, 13 of 52 (25 %): 69 points better.`"""
    told = lesson["support"]
    good, total, rest_good, rest_total = (told[name] for name in ("good", "total", "rest_good", "rest_total"))
    own = f"Of {number(total)} runs {number(good)} went well ({share(good, total)}, interval {_interval(told)})"
    rest = f"{AGAINST[lesson['against']]}, {number(rest_good)} of {number(rest_total)} ({share(rest_good, rest_total)})"
    if not total or not rest_total:
        return f"{own}; {rest}."
    points = round(100 * (good / total - rest_good / rest_total))
    return f"{own}; {rest}: {number(abs(points))} points {'better' if points >= 0 else 'worse'}."


def _interval(told: Mapping[str, Any]) -> str:
    return f"{100 * told['low']:.0f} to {100 * told['high']:.0f} %"


def borne_out(lesson: Mapping[str, Any]) -> str:
    """Whom it was learned from."""
    subjects, sources = lesson["subjects"], len(lesson["sources"])
    return (
        f"Learned from {number(subjects)} {'subject' if subjects == 1 else 'subjects'} and {number(sources)} "
        f"{'source' if sources == 1 else 'sources'}; version {lesson['version']}, worded by "
        f"{line(lesson['written_by'], 60)}."
    )


def credit(lesson: Mapping[str, Any]) -> str:
    """What became of the runs that were shown it."""
    told = lesson["credit"]
    if not told["shown"]:
        return "No run was shown it yet."
    return (
        f"{number(told['shown'])} runs were shown it: {number(told['helped'])} did so and went well, "
        f"{number(told['hurt'])} did so and did not, {number(told['otherwise'])} did otherwise, "
        f"{number(told['open'])} have no outcome yet."
    )
