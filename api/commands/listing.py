"""How a command shows a list: as a table, or with `--json` as the array of items. Start with `show_items`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.terminal import Screen, reported

if TYPE_CHECKING:
    from api.client import Client


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A table of items."""

    columns: Sequence[str]
    row: Callable[[dict[str, Any]], Sequence[object]]
    empty: str
    """Said where there are none."""


def show_items(
    listing: Listing, ask: Callable[[Client], list[Any]], url: str, key: str | None, as_json: bool
) -> list[Any]:
    """Ask a running Segue, and print what it has; the items."""
    # Loaded only once a command runs: it takes longer than all the others together.
    from api.client import connected

    screen = Screen()
    with reported(), connected(url, key) as client:
        items = ask(client)
    if as_json:
        screen.json(items)
    else:
        screen.table(listing.columns, [listing.row(one) for one in items], listing.empty)
    return items
