"""What is remembered: the map of episodes, lessons, what memory adds, and where it came from. Start with `register`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from nicegui import events, ui

from agent.errors import NotFound
from agent.stories import GOOD
from api.access import Caller
from api.console.frame import Console, View, button, empty, go_to, heading, link, now, page, state, when
from api.console.gate import MOUNT
from api.console.words import number, share
from api.terminal import clean, line
from memory.recall import MemoryUnavailable

POINTS = 2_000
"""Newest episodes on the map."""
LISTED = 50
FOUND = 10
COLOURS: Mapping[str, str] = {"good": "#2e9e5b", "bad": "#d9483b", "open": "#8a94a3"}
"""By outcome; readable on both grounds."""
NAMES: Mapping[str, str] = {"good": "went well", "bad": "went badly", "open": "no outcome yet"}


def register(console: Console) -> None:
    """Make the page."""

    @ui.page("/memory")
    async def show(type: str = "") -> None:
        view = page(console, "/memory", "Memory")
        kinds = sorted(view.segue.portfolio.events)
        kind = type if type in kinds else next(iter(kinds), "")
        with ui.element("main").classes("sg-page"):
            heading("Memory", level=1)
            if not kind:
                empty("The portfolio has no event types, so there is nothing to remember.")
                return
            _kinds(kinds, kind)
            with ui.element("section").classes("sg-card"):
                await _map(view, kind)
            with ui.element("section").classes("sg-card"):
                _search(view, kind)
            lessons, added, sources = (ui.element("section").classes("sg-card") for _ in range(3))
            await _lessons(view, kind, lessons)
            await _added(view, kind, added)
            await _sources(view, sources)


def _kinds(kinds: Sequence[str], chosen: str) -> None:
    with ui.element("nav").props('aria-label="Event types"').classes("sg-row"):
        for kind in kinds:
            there = link(line(kind, 80), f"{MOUNT}/memory?{urlencode({'type': kind})}").classes("sg-nav")
            if kind == chosen:
                there.props('aria-current="page"')


async def _map(view: View, kind: str) -> None:
    heading("Episodes, like ones close together")
    try:
        drawn = await view.segue.memories.map(view.tenant, kind, POINTS)
    except MemoryUnavailable as error:
        empty(f"Memory cannot be asked now: {error}")
        return
    points = drawn["points"]
    if not points:
        empty("No episode yet. Each run that ends is one, and outcomes colour them.")
        return
    ui.label(
        f"The newest {number(len(points))} of {number(drawn['episodes'])}. Scroll to zoom, drag to move, click a point "
        "to see its run."
    ).classes("sg-quiet sg-small")
    chart = ui.echart(chart_of(points), on_point_click=_open).classes("sg-chart")
    chart.props('role="img"')
    chart.props["aria-label"] = in_words(points)
    ui.label(in_words(points)).classes("sg-small")


def chart_of(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The options of the scatter plot; texts in it are drawn, never HTML."""
    apart: dict[str, list[dict[str, Any]]] = {name: [] for name in COLOURS}
    for point in points:
        told = ", ".join(line(action, 60) for action in point["actions"]) or "nothing done"
        reward = "" if point["reward"] is None else f"\nreward {point['reward']:.2f} of 1"
        text = f"{line(point['subject'], 60)}: {line(point['text'], 120)}\n{told}{reward}"
        apart[_kind_of(point)].append({"value": [point["x"], point["y"]], "name": text, "run": point["episode"]})
    axis = {"type": "value", "show": False, "min": -1.05, "max": 1.05}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 36, "bottom": 8},
        "legend": {"top": 0, "textStyle": {"color": "#8a94a3"}, "data": list(NAMES.values())},
        "tooltip": {"renderMode": "richText", "confine": True, "formatter": "{b}"},
        "xAxis": axis,
        "yAxis": axis,
        "dataZoom": [{"type": "inside", "xAxisIndex": 0}, {"type": "inside", "yAxisIndex": 0}],
        "series": [
            {
                "type": "scatter",
                "name": NAMES[name],
                "symbolSize": 9,
                "itemStyle": {"color": COLOURS[name], "opacity": 0.75},
                "data": data,
            }
            for name, data in apart.items()
        ],
    }


def in_words(points: Sequence[Mapping[str, Any]]) -> str:
    """What the map shows, for who does not see it."""
    counted = {name: sum(_kind_of(point) == name for point in points) for name in NAMES}
    return "; ".join(f"{number(counted[name])} {words}" for name, words in NAMES.items()) + "."


def _kind_of(point: Mapping[str, Any]) -> str:
    reward = point["reward"]
    return "open" if reward is None else "good" if reward >= GOOD else "bad"


def _open(event: events.EChartPointClickEventArguments) -> None:
    run = event.data.get("run") if isinstance(event.data, dict) else None
    if isinstance(run, str) and run.isalnum():
        go_to(f"{MOUNT}/runs/{run}")


def _search(view: View, kind: str) -> None:
    heading("Search")
    with ui.element("div").classes("sg-row"):
        asked = ui.input(label="Episodes like this text").classes("sg-grow")
        pressed = button("Search", lambda: look())
    found = ui.element("div").classes("sg-list").props('aria-live="polite"')

    async def look() -> None:
        words = str(asked.value or "").strip()
        found.clear()
        if not words:
            return
        try:
            items = await view.segue.memories.search(view.tenant, kind, words[:2_000], FOUND)
        except (MemoryUnavailable, NotFound) as error:
            with found:
                empty(f"Memory cannot be asked now: {error}")
            return
        with found:
            for one in items:
                _found(one)
            if not items:
                empty("No episode is like it.")

    asked.on("keydown.enter", look)
    pressed.props('aria-label="Search episodes"')


def _found(one: Mapping[str, Any]) -> None:
    with ui.element("div").classes("sg-item"):
        ui.label(f"{100 * one['similarity']:.0f} % alike").classes("sg-quiet sg-small")
        with ui.element("div").classes("sg-grow"):
            link(f"{line(one['subject'], 80)}: {line(one['text'], 160)}", f"{MOUNT}/runs/{one['id']}")
            done = [taken["action"] for taken in one["actions"] if taken["done"]]
            ui.label(line(", ".join(done) or "nothing done", 160)).classes("sg-quiet sg-small")
        for goal, reward in one["rewards"].items():
            ui.label(f"{line('thumb' if goal == '*' else goal, 40)} {reward:.2f}").classes("sg-small")
        if one["revoked"]:
            state("revoked")


async def _lessons(view: View, kind: str, place: ui.element) -> None:
    found = await view.segue.lessons.page(view.tenant, kind, "standing", None, LISTED)
    place.clear()
    with place:
        heading("Lessons")
        if not found.items:
            empty("None yet: a rule is distilled once enough runs with outcomes bear it out.")
        for lesson in found.items:
            _lesson(view, kind, place, lesson)


def _lesson(view: View, kind: str, place: ui.element, lesson: Mapping[str, Any]) -> None:
    support, credit = lesson["support"], lesson["credit"]
    with ui.element("div").classes("sg-item"):
        state(lesson["state"])
        with ui.element("div").classes("sg-grow"):
            ui.label(clean(lesson["text"])[:400])
            ui.label(
                f"{support['good']} of {support['total']} went well, {support['rest_good']} of "
                f"{support['rest_total']} otherwise; from {number(lesson['subjects'])} subjects, "
                f"{number(len(lesson['sources']))} sources. Shown to {number(credit['shown'])} runs: helped "
                f"{number(credit['helped'])}, hurt {number(credit['hurt'])}."
            ).classes("sg-quiet sg-small")
            if lesson["reason"]:
                ui.label(line(lesson["reason"], 300)).classes("sg-quiet sg-small")
        when(lesson["created_at"], now())
        if view.may("govern"):
            button("Edit", lambda: _edit(view, kind, place, lesson))
            button("Retire", lambda: _retire(view, kind, place, lesson))


def _edit(view: View, kind: str, place: ui.element, lesson: Mapping[str, Any]) -> None:
    with ui.dialog() as dialog, ui.card():
        heading("Say the lesson in other words")
        words = ui.textarea(label="Words", value=clean(lesson["text"])).classes("sg-wide")

        async def save() -> None:
            async def work(caller: Caller) -> Any:
                return await view.segue.lessons.edit(caller.tenant, lesson["id"], str(words.value), by=caller.name)

            if await view.act("govern", work) is not None:
                dialog.close()
                await _lessons(view, kind, place)

        with ui.element("div").classes("sg-row"):
            button("Save", save, first=True)
            button("Leave it", dialog.close)
    dialog.open()


def _retire(view: View, kind: str, place: ui.element, lesson: Mapping[str, Any]) -> None:
    async def retire(reason: str | None) -> bool:
        async def work(caller: Caller) -> Any:
            return await view.segue.lessons.retire(caller.tenant, lesson["id"], by=caller.name, reason=reason)

        done = await view.act("govern", work) is not None
        if done:
            await _lessons(view, kind, place)
        return done

    ask_reason("Retire the lesson: it is shown to nobody any more", "Retire", retire)


async def _added(view: View, kind: str, place: ui.element) -> None:
    (told,) = await view.segue.uplifts.list(view.tenant, kind)
    with place:
        heading("What memory adds")
        with ui.element("div").classes("sg-row"):
            state("active" if told["memory"]["state"] == "on" else "off")
            ui.label(added_in_words(told)).classes("sg-grow")


def added_in_words(told: Mapping[str, Any]) -> str:
    """The uplift of an event type, with its interval."""
    graded = told["graded"]
    counted = f"{number(graded['memory'])} judged runs with memory, {number(graded['control'])} without"
    if told["difference"] is None:
        if not told["control"]:
            return (
                "Not measured: no run decides without memory. Set learning.control for this event type to measure it."
            )
        return f"Not known yet: {counted}."
    interval = told["anytime_interval"]
    between = f", 95 % interval {interval['low']:+.3f} to {interval['high']:+.3f}" if interval else ""
    return (
        f"{told['difference']:+.3f} of a reward of 1{between}; {counted}, and memory changes what is decided in "
        f"{share(told['share_swayed'] or 0.0, 1.0)} of them."
    )


async def _sources(view: View, place: ui.element) -> None:
    found = await view.segue.sources.list(view.tenant, None, None, LISTED)
    place.clear()
    with place:
        heading("Where it came from")
        if not found.items:
            empty("No event has come yet.")
        for source in found.items:
            _source(view, place, source)
        if found.next:
            ui.label(f"The first {LISTED}; segue memory sources lists all.").classes("sg-quiet sg-small")


def _source(view: View, place: ui.element, source: Mapping[str, Any]) -> None:
    revoked = source["state"] == "revoked"
    with ui.element("div").classes("sg-item"):
        state("rejected" if revoked else "trusted", "revoked" if revoked else "heard")
        with ui.element("div").classes("sg-grow"):
            ui.label(line(source["source"], 200))
            ui.label(f"{number(source['episodes'])} episodes, {number(source['outcomes'])} outcomes").classes(
                "sg-quiet sg-small"
            )
            if revoked:
                ui.label(f"by {line(source['by'], 64)}: {line(source['reason'] or 'no reason given', 200)}").classes(
                    "sg-quiet sg-small"
                )
        if source["since"]:
            when(source["since"], now())
        if view.may("govern"):
            button("Hear again" if revoked else "Revoke", lambda: _change(view, place, source["source"], revoked))


def _change(view: View, place: ui.element, source: str, revoked: bool) -> None:
    async def change(reason: str | None) -> bool:
        async def work(caller: Caller) -> Any:
            how = view.segue.sources.restore if revoked else view.segue.sources.revoke
            return await how(caller.tenant, source, by=caller.name, reason=reason)

        done = await view.act("govern", work) is not None
        if done:
            await _sources(view, place)
        return done

    name = line(source, 80)
    what = f"Hear {name} again" if revoked else f"Revoke {name}: nothing that came from it speaks in any decision"
    ask_reason(what, "Hear again" if revoked else "Revoke", change)


def ask_reason(what: str, verb: str, act: Any) -> None:
    """A dialog that says what would be done, asks for a reason, and does it on the button with the verb."""
    with ui.dialog() as dialog, ui.card():
        heading(what)
        reason = ui.input(label="Reason (kept beside it)").classes("sg-wide")

        async def go() -> None:
            if await act(str(reason.value or "").strip()[:2_000] or None):
                dialog.close()

        with ui.element("div").classes("sg-row"):
            button(verb, go, first=True)
            button("Leave it", dialog.close)
    dialog.open()
