"""The map of episodes, and what is chosen on it. Start with `MapView`.

The browser draws places and shapes; what an episode says is told by the server, of those that are chosen.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import GenericEventArguments

from api.console.frame import View, button
from api.console.gate import MOUNT
from api.console.memory.choosing import chosen, spread
from api.console.memory.chosen_view import ChosenView
from api.console.memory.telling import ENDINGS, SIGNS, ending, in_words
from api.console.parts import box, link, set_text, text
from api.console.words import number
from memory.recall import MemoryUnavailable

SCRIPT = files("api.console.memory").joinpath("map.js").read_text(encoding="utf-8")
POINTS = (500, 2_000, 10_000)
"""Newest episodes that a map may show."""
USUAL = 2_000
FINE = 10_000
"""Steps in which places are told, in one unit of the map."""
TOOLS = (("move", "Move"), ("lasso", "Lasso"), ("rectangle", "Rectangle"))
HOW = (
    "Like episodes lie close together, those that differ in nothing around one place. Move by dragging, zoom by the "
    "wheel or two fingers; with Lasso or Rectangle draw around episodes to choose them, or click one. By keyboard: "
    "arrows, plus and minus, 0 for all of it, Enter to choose what is in view, Escape to choose nothing."
)


class MapView:
    """The map of one event type."""

    def __init__(self, view: View, kind: str, most: int, changed: Callable[[], Awaitable[None]]) -> None:
        """`changed` is called when other sources speak than before."""
        self._view = view
        self._kind = kind
        self._most = most
        self._points: Sequence[Mapping[str, Any]] = ()
        self._tools: dict[str, ui.element] = {}
        ui.add_body_html(f"<script>{SCRIPT}</script>")
        text("h2", "Episodes, like ones close together")
        text("p", HOW, "sg-quiet sg-small").props('id="memory-how"')
        self._toolbar()
        with box("div", "sg-map"):
            with box("div", "sg-stack"):
                canvas = box("canvas", "sg-canvas").props('id="memory-map" tabindex="0" role="application"')
                canvas.props('aria-label="Map of episodes" aria-describedby="memory-how memory-legend"')
                with box("p", "sg-row").props('id="memory-legend"'):
                    for name, words in ENDINGS.items():
                        text("span", f"{SIGNS[name]} {words}", f"sg-small sg-is-{name}")
                self._about = text("p", "The map is being made ...", "sg-quiet sg-small").props('role="status"')
            self._chosen = ChosenView(view, kind, changed)
        ui.on("memory-shape", self._shaped)

    def _toolbar(self) -> None:
        with box("div", "sg-row sg-tabs").props('role="group" aria-label="Tools of the map"'):
            for name, words in TOOLS:
                made = self._tools[name] = button(words, partial(self._use, name)).classes("sg-slim")
                made.props["aria-pressed"] = "true" if name == "move" else "false"
            for words, label, act in (
                ("+", "Zoom in", "sgMap.zoom(1.4)"),
                ("\N{MINUS SIGN}", "Zoom out", "sgMap.zoom(1 / 1.4)"),
                ("Whole map", "", "sgMap.fit()"),
                ("Choose all in view", "", "sgMap.inView()"),
                ("Choose nothing", "", "sgMap.clear()"),
            ):
                made = text("button", words, "sg-button sg-slim").props('type="button"')
                made.on("click", js_handler=f"() => {act}")
                if label:
                    made.props["aria-label"] = label
        with box("nav", "sg-row sg-small").props('aria-label="How many episodes"'):
            text("span", "Newest:", "sg-quiet")
            for most in POINTS:
                asked = urlencode({"type": self._kind, "points": most})
                made = link(number(most), f"{MOUNT}/memory?{asked}", "sg-small")
                if most == self._most:
                    made.props('aria-current="page"')

    def _use(self, tool: str) -> None:
        for name, made in self._tools.items():
            made.props["aria-pressed"] = "true" if name == tool else "false"
        ui.run_javascript(f"sgMap.use({json.dumps(tool)})")

    async def load(self) -> None:
        """Draw the newest episodes; nothing is chosen then."""
        try:
            drawn = await self._view.segue.memories.map(self._view.tenant, self._kind, self._most)
        except MemoryUnavailable as error:
            self._points = ()
            set_text(self._about, f"Memory cannot be asked now: {error}")
            return
        self._points = spread(drawn["points"])
        set_text(self._about, about(drawn))
        self._chosen.show(())
        ui.run_javascript(f"sgMap.show({json.dumps(places(self._points))})")

    async def _shaped(self, event: GenericEventArguments) -> None:
        found = chosen(self._points, event.args)
        if found is None:
            return
        ui.run_javascript(f"sgMap.choose({json.dumps(found)})")
        await self._chosen.choose([self._points[place] for place in found])


def places(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Where episodes lie and how they ended, for the browser: numbers alone, and a digit for each ending."""
    order = list(ENDINGS)
    return {
        "x": [round(point["x"] * FINE) / FINE for point in points],
        "y": [round(point["y"] * FINE) / FINE for point in points],
        "kind": "".join(str(order.index(ending(point["reward"]))) for point in points),
    }


def about(drawn: Mapping[str, Any]) -> str:
    """What the map shows, for who does not see it."""
    points = drawn["points"]
    if not points:
        waits = drawn["not_indexed"]
        if waits:
            return f"{number(waits)} episodes have no place yet; look again in a moment."
        return "No episode yet. Each run that ends is one, and outcomes colour them."
    return f"The newest {number(len(points))} of {number(drawn['episodes'])}: {in_words(points)}"
