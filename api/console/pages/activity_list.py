"""The list of acts: lines that never change, but for how long ago they were. Start with `ActList.show`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nicegui import ui

from api.console.activity_rows import ActRow
from api.console.parts import box, link, set_text, text, titled
from api.console.words import ago


class Line:
    """One act in the list."""

    def __init__(self, row: ActRow, now: datetime) -> None:
        self._row = row
        with box("li", "sg-item") as self.element:
            text("span", row.act, f"sg-state {row.tone}".strip())
            with box("div", "sg-grow"):
                text("span", row.who, "sg-strong")
                with box("span", "sg-did"):
                    if row.address is None:
                        text("span", row.did)
                    else:
                        link(row.did, row.address)
                if row.why:
                    text("div", f"saying: {row.why}", "sg-quiet sg-small")
                for one in row.more:
                    text("div", one, "sg-quiet sg-small")
            if row.inbox is not None:
                titled(link("in the inbox", row.inbox, "sg-small"), "What was asked, and how it was answered")
            text("span", row.where, "sg-quiet sg-small")
            self._when = text("time", ago(row.moment, now), "sg-quiet sg-small")
            titled(self._when, row.at)

    def tick(self, now: datetime) -> None:
        """Time has passed."""
        set_text(self._when, ago(self._row.moment, now))


class ActList:
    """The lines that are shown, newest first."""

    def __init__(self) -> None:
        self._list: ui.element = box("ol", "sg-list").props('id="activity-list" aria-label="Acts, newest first"')
        self._lines: dict[int, Line] = {}
        """By number, in their order."""

    def hold(self, held: bool) -> None:
        """Say that nothing moves at present, as somebody reads."""
        self._list.props.set_optional("data-held", "true" if held else None)

    @property
    def ids(self) -> list[int]:
        """Of the lines that are shown, newest first."""
        return list(self._lines)

    def show(self, rows: Sequence[ActRow], now: datetime) -> None:
        """Exactly these, newest first; lines that stay are not made anew."""
        wanted = {row.id for row in rows}
        for number in [number for number in self._lines if number not in wanted]:
            self._lines.pop(number).element.delete()
        self.add(rows, len(rows), now)

    def add(self, rows: Sequence[ActRow], most: int, now: datetime) -> None:
        """Put those that are not there where they belong, and let the oldest beyond `most` go."""
        for row in rows:
            if row.id not in self._lines:
                place = sum(number > row.id for number in self._lines)
                with self._list:
                    made = self._lines[row.id] = Line(row, now)
                made.element.move(target_index=place)
        self._lines = dict(sorted(self._lines.items(), reverse=True))
        for number in list(self._lines)[most:]:
            self._lines.pop(number).element.delete()

    def tick(self, now: datetime) -> None:
        """Time has passed."""
        for line in self._lines.values():
            line.tick(now)
