"""What happens now: what waits, what is going on, today's figures, the newest runs. Start with `register`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from agent.store.chat_queries import Window
from agent.store.figures import Counts
from agent.store.queries import RunFilter
from agent.store.runs import OPEN
from api.console.frame import Console, Part, View, empty, heading, link, now, page, state, when
from api.console.gate import MOUNT
from api.console.words import ago, moment_of, number, share
from api.terminal import line

LATEST = 15


def register(console: Console) -> None:
    """Make the page."""

    @ui.page("/")
    async def show() -> None:
        view = page(console, "", "Now")
        with ui.element("main").classes("sg-page"):
            heading("Now", level=1)
            waits, figures, latest = Part(), Part(), Part()

        async def refresh() -> None:
            await _waits(view, waits)
            await _figures(view, figures)
            await _latest(view, latest)

        view.follow(refresh)


async def _waits(view: View, part: Part) -> None:
    found = await view.segue.desk.waiting(view.tenant, None, 5)
    counts = (found.approvals.total, found.effects.total, found.letters.total)
    part.show(counts, lambda: _waiting(*counts))


def _waiting(approvals: int, effects: int, letters: int) -> None:
    with ui.element("div").classes("sg-card"):
        heading("Waits for a person")
        if not approvals + effects + letters:
            empty("Nothing. Approvals, questions, unknown effects and runs that failed for good turn up here.")
            return
        with ui.element("div").classes("sg-row").props('aria-live="polite"'):
            for count, what in (
                (approvals, "approvals and questions"),
                (effects, "effects in doubt"),
                (letters, "runs that failed for good"),
            ):
                if count:
                    ui.label(f"{number(count)} {what}")
            link("Open the inbox", f"{MOUNT}/inbox")


async def _figures(view: View, part: Part) -> None:
    moment = now()
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    window = Window(since=today)
    counts = await view.segue.desk.counts(view.tenant, window)
    judged = await view.segue.desk.judged(view.tenant, window)
    figures = _today(counts, judged.mean, len(judged.rewards))
    part.show(figures, lambda: _cards(figures))


def _cards(figures: Sequence[tuple[str, str, str]]) -> None:
    with ui.element("div").classes("sg-grid"):
        for what, figure, note in figures:
            with ui.element("div").classes("sg-card"):
                ui.label(what).classes("sg-quiet sg-small")
                ui.label(figure).classes("sg-figure")
                ui.label(note).classes("sg-quiet sg-small")


def _today(counts: Counts, mean: float | None, judged: int) -> list[tuple[str, str, str]]:
    of = counts.runs
    total, done = sum(of.values()), of.get("done", 0)
    going = sum(of.get(status, 0) for status in OPEN if status != "waiting")
    bad = sum(of.get(status, 0) for status in ("failed", "stopped"))
    return [
        ("Events today", number(total), "since 00:00 UTC"),
        ("Finished without a person", number(done - counts.touched), f"{share(done - counts.touched, total)} of them"),
        ("Going on", number(going), "queued or running"),
        ("Waiting", number(of.get("waiting", 0)), "for a person"),
        ("Failed or stopped", number(bad), f"{share(bad, total)} of them"),
        ("Model", number(counts.tokens), "tokens used today"),
        ("Reward", "-" if mean is None else f"{mean:.2f}", f"mean of 1, over {number(judged)} runs judged today"),
    ]


async def _latest(view: View, part: Part) -> None:
    found = await view.segue.runs(view.tenant, RunFilter(), None, LATEST)
    moment = now()
    lines = [(run["id"], run["status"], run["end"], ago(moment_of(run["created_at"]), moment)) for run in found.items]
    part.show(lines, lambda: _runs(found.items, moment))


def _runs(runs: Sequence[dict[str, Any]], moment: datetime) -> None:
    with ui.element("div").classes("sg-card"):
        heading("Newest runs")
        if not runs:
            empty("No event has come yet. Send one: segue send --type TYPE --subject NAME --data '{...}'")
            return
        with ui.element("div").classes("sg-list"):
            for run in runs:
                run_line(run, moment)


def run_line(run: dict[str, Any], moment: datetime) -> None:
    """One run in a list."""
    event, end = run["event"], run["end"]
    with ui.element("div").classes("sg-item"):
        state(run["status"])
        with ui.element("div").classes("sg-grow"):
            link(f"{line(event['type'], 80)} about {line(event['subject'], 80)}", f"{MOUNT}/runs/{run['id']}")
            if end is not None and end["detail"]:
                ui.label(line(end["detail"], 200)).classes("sg-quiet sg-small")
        ui.label(line(run["decided_by"] or "", 40)).classes("sg-quiet sg-small")
        when(run["created_at"], moment)
