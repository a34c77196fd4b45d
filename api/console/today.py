"""Today's figures beside what they were, as data. Start with `figures`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.operating.system import System
from agent.operating.trends import Trend
from agent.store.trends import Slot
from api.console.gate import MOUNT
from api.console.trend import Series, Span, against
from api.console.words import number, share

RUNS = f"{MOUNT}/runs"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One card."""

    what: str
    figure: str
    note: str
    more: str = ""
    """Against the day before."""
    series: Series | None = None
    address: str | None = None


def figures(trend: Trend, system: System, span: Span) -> list[Figure]:
    """In the order they are shown."""
    now, before = trend.today, trend.yesterday

    def series(what: str, of: Callable[[Slot], float | None], most: float | None = None) -> Series:
        parts = trend.hours() if span == "hours" else trend.days()
        begins, values = tuple(at for at, _ in parts), tuple(of(slot) for _, slot in parts)
        return Series(what=what, span=span, begins=begins, values=values, most=most)

    return [
        Figure(
            what="Events today",
            figure=number(now.events),
            note="since 00:00 UTC",
            more=against(now.events, before.events),
            series=series("Events", lambda slot: slot.events),
            address=f"{RUNS}?when=today",
        ),
        Figure(
            what="Finished without a person",
            figure=number(now.alone),
            note=f"{share(now.alone, now.events)} of today's",
            more=against(now.alone, before.alone),
            series=series("Runs finished without a person", lambda slot: slot.alone),
            address=f"{RUNS}?status=done&when=today",
        ),
        _going(system),
        _waiting(system),
        Figure(
            what="Failed or stopped",
            figure=number(now.bad),
            note=f"{share(now.bad, now.events)} of today's",
            more=against(now.bad, before.bad),
            series=series("Runs failed or stopped", lambda slot: slot.bad),
            address=f"{RUNS}?status=failed&when=today",
        ),
        _model(trend, system, series("Calls of the chat model", lambda slot: slot.asked)),
        *_saved(trend, system, series("Decisions without the chat model", lambda slot: slot.spared + slot.planned)),
        _reward(now, before, series("Mean reward", lambda slot: slot.reward, 1.0)),
    ]


def _going(system: System) -> Figure:
    running, queued = system.open_runs.get("running", 0), system.open_runs.get("queued", 0)
    return Figure(
        what="Going on",
        figure=number(running + queued),
        note=f"{number(running)} running, {number(queued)} queued",
        address=f"{RUNS}?status={'running' if running or not queued else 'queued'}",
    )


def _waiting(system: System) -> Figure:
    waiting = system.open_runs.get("waiting", 0)
    return Figure(what="Waiting", figure=number(waiting), note="runs that need a person", address=f"{MOUNT}/inbox")


def _model(trend: Trend, system: System, series: Series) -> Figure:
    now, before = trend.today, trend.yesterday
    if system.model is None and not now.asked:
        note = f"{number(now.planned)} {_decisions(now.planned)} by the Planner, which asks none"
        return Figure(what="Model calls", figure="0", note=note)
    note = f"{number(now.tokens)} tokens today"
    return Figure(
        what="Model calls",
        figure=number(now.asked),
        note=note,
        more=against(now.asked, before.asked),
        series=series,
        address=f"{RUNS}?by=model&when=today",
    )


def _saved(trend: Trend, system: System, series: Series) -> list[Figure]:
    """What is known of it: the decisions that needed no model, and the tokens that the reflex spared."""
    now = trend.today
    if system.model is None and not now.spared:
        return []
    return [
        Figure(
            what="Model calls saved",
            figure=number(now.spared),
            note=f"by the reflex; {number(now.tokens_spared)} tokens spared",
            more=against(now.spared, trend.yesterday.spared),
            series=series,
            address=f"{RUNS}?by=reflex&when=today",
        )
    ]


def _decisions(count: int) -> str:
    return "decision" if count == 1 else "decisions"


def _reward(now: Slot, before: Slot, series: Series) -> Figure:
    then = "" if before.reward is None else f"{before.reward:.2f} yesterday by this time"
    return Figure(
        what="Reward",
        figure="-" if now.reward is None else f"{now.reward:.2f}",
        note=f"mean of 1, over {number(now.judged)} {'run' if now.judged == 1 else 'runs'} judged today",
        more=then,
        series=series,
    )
