"""The learning curve: what runs earned as time went by. Start with `CurveView`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from nicegui.events import GenericEventArguments

from agent.curves import By
from api.console.frame import View, empty
from api.console.memory.drawing import curve_of, draw
from api.console.parts import box, fold, table, text
from api.console.words import at, moment_of, number
from api.terminal import line

ARMS: Mapping[str, str] = {"memory": "with memory", "control": "without memory", "undrawn": "no arm drawn"}
WAYS: Mapping[By, str] = {"number": "equally many runs", "day": "days (UTC)", "week": "weeks (UTC)"}
ALL = ""
CHOSEN = "(event) => emit(event.target.value)"


class CurveView:
    """Of one event type."""

    def __init__(self, view: View, kind: str) -> None:
        self._view = view
        self._kind = kind
        self._by: By = "number"
        self._goal: str | None = None
        text("h2", "Learning curve")
        text("p", "The mean reward of runs with an outcome, of 1, as time went by.", "sg-quiet sg-small")
        goals = sorted(view.segue.portfolio.goals)
        with box("div", "sg-filters sg-roomy"):
            _choice("curve-by", "Points of", WAYS, self._ways)
            _choice(
                "curve-goal",
                "Goal",
                {ALL: "all, by their weights"} | {name: line(name, 60) for name in goals},
                self._goals,
            )
        self._place = box("div", "sg-stack").props('aria-live="polite"')
        with self._place:
            text("p", "It is being worked out ...", "sg-quiet sg-small")

    async def _ways(self, event: GenericEventArguments) -> None:
        found = next((one for one in get_args(By) if one == event.args), None)
        if found is not None:
            self._by = found
            await self.load()

    async def _goals(self, event: GenericEventArguments) -> None:
        if event.args == ALL or event.args in self._view.segue.portfolio.goals:
            self._goal = event.args or None
            await self.load()

    async def load(self) -> None:
        """Ask, and show."""
        asked = (self._view.tenant, self._kind, self._goal, self._by)
        found = await self._view.segue.memories.curves.curve(*asked)
        self._place.clear()
        with self._place:
            _show(found)


def _choice(name: str, label: str, options: Mapping[Any, str], chosen: Any) -> None:
    with box("div", "sg-field-box"):
        text("label", label, "sg-quiet sg-small").props(f'for="{name}"')
        with box("select", "sg-field").props(f'id="{name}"') as made:
            for value, words in options.items():
                text("option", words).props["value"] = value
    made.on("change", chosen, js_handler=CHOSEN)


def _show(found: Mapping[str, Any]) -> None:
    points = found["points"]
    if not points:
        empty("No run of this type has an outcome yet: send outcomes, and the curve begins.")
        return
    arms = {arm: words for arm, words in ARMS.items() if any(point[arm] for point in points)}
    draw(curve_of(points, arms, in_words(points)))
    with box("p", "sg-row"):
        for arm, words in arms.items():
            text("span", words, f"sg-small sg-key sg-of-{arm}")
        text("span", "bands: 95 % interval", "sg-quiet sg-small")
    text("p", in_words(points), "sg-small")
    fold("As a table", lambda: table(("from", "until", *arms.values()), rows(points, arms), label="Learning curve"))


def rows(points: Sequence[Mapping[str, Any]], arms: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Each point with what its arms earned."""
    return [
        (*(at(moment_of(point[end]))[:16] for end in ("since", "until")), *(_cell(point[arm]) for arm in arms))
        for point in points
    ]


def _cell(mean: Mapping[str, Any] | None) -> str:
    if mean is None:
        return "-"
    return f"{mean['mean']:.2f} ({mean['low']:.2f} to {mean['high']:.2f}), {number(mean['count'])} runs"


def in_words(points: Sequence[Mapping[str, Any]]) -> str:
    """Where each arm began, and where it is now."""
    told = []
    for arm, words in ARMS.items():
        known = [point[arm] for point in points if point[arm] is not None]
        if len(known) > 1:
            told.append(f"{words} from {known[0]['mean']:.2f} to {known[-1]['mean']:.2f}")
        elif known:
            told.append(f"{words} {known[0]['mean']:.2f}")
    return f"Mean reward of 1: {'; '.join(told)}."
