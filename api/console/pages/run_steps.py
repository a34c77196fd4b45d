"""The timeline of a run: steps that change where they stand. Start with `Steps.show`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from agent.operating.cases import Case, endings
from agent.operating.wording import listed
from agent.stories import GOOD
from api.console.frame import View, now
from api.console.pages.run_acts import RunActs
from api.console.parts import as_json, box, facts, fold, link, set_text, table, text
from api.console.run_filter import PATH
from api.console.run_step import Grid, Step
from api.console.theme import STATES
from api.console.words import ago, at, moment_of
from api.terminal import line


class _Shown:
    """A step as it stands on the page."""

    def __init__(self) -> None:
        self.step: Step | None = None
        self.when: TextElement | None = None
        self.element = box("li", "sg-moment")

    def tick(self, moment: datetime) -> None:
        """Bring how long ago it was up to date."""
        if self.when is not None and self.step is not None and self.step.at is not None:
            set_text(self.when, ago(moment_of(self.step.at), moment))


class Steps:
    """What is shown of a run."""

    def __init__(self, view: View, acts: RunActs) -> None:
        self._view = view
        self._acts = acts
        self._list: ui.element = box("ol", "sg-story").props('id="run-story" aria-live="polite"')
        self._shown: dict[str, _Shown] = {}

    def show(self, steps: Sequence[Step], moment: datetime) -> None:
        """Exactly these; steps that did not change are left as they are, with what is unfolded in them."""
        wanted = {step.key for step in steps}
        for key in [key for key in self._shown if key not in wanted]:
            self._shown.pop(key).element.delete()
        for place, step in enumerate(steps):
            shown = self._shown.get(step.key)
            if shown is None:
                with self._list:
                    shown = self._shown[step.key] = _Shown()
                if place != len(self._shown) - 1:
                    shown.element.move(target_index=place)
            if shown.step != step:
                shown.step, shown.when = step, None
                shown.element.clear()
                with shown.element:
                    self._build(shown, step, moment)
            shown.tick(moment)

    def _build(self, shown: _Shown, step: Step, moment: datetime) -> None:
        with box("div", "sg-row"):
            text("h3", step.title)
            if step.state is not None:
                text("span", line(step.state, 20), f"sg-state {STATES.get(step.state, '')}")
            if step.at is not None:
                began = moment_of(step.at)
                shown.when = text("time", ago(began, moment), "sg-quiet sg-small")
                shown.when.props["title"] = at(began)
        for one in step.lines:
            text("p", one, "sg-lines")
        if step.facts:
            facts(step.facts)
        for grid in step.grids:
            _grid(grid)
        for action, cases, more in step.cases:
            _cases(action, cases, more)
        with box("div", "sg-row sg-maybe"):
            for words, address in step.links:
                link(words, address)
            if step.settles and self._view.may("steer"):
                made = text("button", "Say what became of it", "sg-button").props('type="button"')
                made.on("click", partial(self._acts.settle, step.key, step.title), args=[])
        if step.whole:
            fold("The whole result", partial(self._whole, step.key))
        if step.value is not None:
            fold("as JSON", partial(as_json, step.value))

    def _whole(self, key: str) -> None:
        place = box("div")
        with place:
            text("p", "Fetching it ...", "sg-quiet")

        async def fetch() -> None:
            found = await self._view.act("read", lambda who: self._view.segue.effect_result(who.tenant, key))
            place.clear()
            with place:
                as_json(found)

        ui.timer(0, fetch, once=True)


def _grid(grid: Grid) -> None:
    def build() -> None:
        table(grid.head, grid.rows, grid.marked, grid.label)

    fold(grid.label, build, opened=grid.opened)


def _cases(action: str, cases: Sequence[Case], more: int) -> None:
    """How like cases of an action ended."""
    moment = now()
    text("p", f"Like cases of {line(action, 120)}: {endings(cases, action).words()}.", "sg-small")
    with box("ul", "sg-cases"):
        for case in cases:
            with box("li"):
                link(line(case.subject, 80), f"{PATH}/{case.run}")
                text("span", f" {_ended(case, action)}, {ago(case.closed_at, moment)}: {_did(case)}")
        if more > 0:
            text("li", f"and {more} more", "sg-quiet")


def _ended(case: Case, action: str) -> str:
    reward = case.of(action)
    if case.revoked:
        return "says nothing, its source is revoked"
    if reward is None:
        return "has no outcome yet"
    return f"ended {'well' if reward >= GOOD else 'badly'} (reward {reward:.2f})"


def _did(case: Case) -> str:
    done = listed([line(one, 80) for one in case.done]) or "nothing was done"
    return f"{done}; {listed([line(one, 80) for one in case.declined])} turned down" if case.declined else done
