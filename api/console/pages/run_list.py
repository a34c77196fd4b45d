"""The list of runs: lines that change where they stand. Start with `RunList.show`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nicegui import ui

from api.console.parts import box, set_text, text, titled
from api.console.run_filter import PATH
from api.console.run_rows import RunRow
from api.console.theme import STATES


class Line:
    """One run in the list."""

    def __init__(self, row: RunRow, now: datetime) -> None:
        self.row = row
        with box("li", "sg-item") as self.element:
            self._state = text("span", row.status, "sg-state")
            with box("div", "sg-grow"):
                self._link = text("a", row.title)
                self._link.props["href"] = f"{PATH}/{row.id}"
                self._did = text("div", row.did, "sg-small")
                self._end = text("div", row.end, "sg-quiet sg-small")
            self._by = text("span", row.by, "sg-quiet sg-small")
            self._took = text("span", row.took, "sg-quiet sg-small")
            self._when = text("time", row.ago(now), "sg-quiet sg-small")
            titled(self._when, row.at)
        self._state.classes(STATES.get(row.status, ""))

    def update(self, row: RunRow, now: datetime) -> None:
        """Show what has changed, be it another run."""
        if row.id != self.row.id:
            set_text(self._link, row.title)
            self._link.props["href"] = f"{PATH}/{row.id}"
            titled(self._when, row.at)
        if row.status != self.row.status:
            self._state.classes(remove=STATES.get(self.row.status, ""), add=STATES.get(row.status, ""))
        self.row = row
        for element, words in (
            (self._state, row.status),
            (self._did, row.did),
            (self._end, row.end),
            (self._by, row.by),
            (self._took, row.took),
            (self._when, row.ago(now)),
        ):
            set_text(element, words)


class RunList:
    """The lines that are shown."""

    def __init__(self, name: str = "runs-list", label: str = "Runs, newest first") -> None:
        """`name`: of the element; both are constants."""
        self._list: ui.element = box("ol", "sg-list").props(f'id="{name}" aria-label="{label}"')
        self._lines: dict[str, Line] = {}
        """In their order, by run."""

    def hold(self, held: bool) -> None:
        """Say that nothing moves at present, as somebody reads."""
        self._list.props.set_optional("data-held", "true" if held else None)

    @property
    def ids(self) -> list[str]:
        """Of the runs that are shown, newest first."""
        return list(self._lines)

    @property
    def top(self) -> int:
        """Position of the newest that is shown; 0 where none is."""
        return max((one.row.seq for one in self._lines.values()), default=0)

    def show(self, rows: Sequence[RunRow], now: datetime) -> None:
        """Exactly these. Lines of runs that stay are left; others tell of the runs that come.

        To make a line takes several times as long as to change one.
        """
        wanted = {row.id for row in rows}
        free = [self._lines.pop(name) for name in list(self._lines) if name not in wanted]
        shown = self._list.default_slot.children
        for place, row in enumerate(rows):
            line = self._lines.get(row.id) or (free.pop() if free else None)
            if line is None:
                with self._list:
                    line = Line(row, now)
            else:
                line.update(row, now)
            self._lines[row.id] = line
            if shown[place] is not line.element:
                line.element.move(target_index=place)
        for line in free:
            line.element.delete()
        self._lines = {row.id: self._lines[row.id] for row in rows}

    def update(self, rows: Sequence[RunRow], now: datetime) -> None:
        """Change those of them that are shown; none comes or goes."""
        for row in rows:
            known = self._lines.get(row.id)
            if known is not None:
                known.update(row, now)
