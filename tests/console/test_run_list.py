"""The list of runs shows exactly the runs it is given, whatever it showed before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from nicegui import Client
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement
from nicegui.page import page

from api.console.pages.run_list import RunList
from api.console.run_rows import RunRow

NOW = datetime(2026, 11, 27, tzinfo=UTC)
NUMBERS = st.lists(st.integers(min_value=0, max_value=9), unique=True, max_size=8)


def row(number: int) -> RunRow:
    """A run whose every word has its number in it."""
    return RunRow(
        id=f"run-{number}",
        seq=number,
        status="done" if number % 2 else "failed",
        title=f"title-{number}",
        did=f"did-{number}",
        end=f"end-{number}",
        by=f"by-{number}",
        took=f"took-{number}",
        began_at=NOW - timedelta(minutes=number),
    )


def told(element: Element) -> list[str]:
    """All that can be read in it, in order, with addresses and titles."""
    return [
        word
        for one in element.descendants()
        for word in (one.props.get("href"), one.props.get("title"), one.text if isinstance(one, TextElement) else None)
        if word
    ]


def colours(element: Element) -> list[list[str]]:
    """The classes of each line's state."""
    return [sorted(line.default_slot.children[0].classes) for line in element.default_slot.children]


@given(shown=st.lists(NUMBERS, min_size=1, max_size=6))
def test_it_shows_exactly_what_it_is_given_in_that_order(shown: list[list[int]]) -> None:
    with Client(page("")) as client:
        changing, fresh = RunList(), RunList("fresh", "Fresh")
        for numbers in shown:
            changing.show([row(number) for number in numbers], NOW)
        fresh.show([row(number) for number in shown[-1]], NOW)
        first, second = (one for one in client.elements.values() if one.tag == "ol")
        assert [one for one in told(first) if one.startswith("title-")] == [f"title-{number}" for number in shown[-1]]
        assert told(first) == told(second)
        assert colours(first) == colours(second)
        assert changing.ids == fresh.ids
        client.delete()
