"""Arguments of the operators' tools as they were given. Start with `text` and `window`.

A chat model gives an empty text where it means nothing, so that is taken as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from agent.operating.types import Asker
from agent.operating.wording import plain
from agent.portfolio.mistakes import suggest
from agent.roles import Scope, lacks
from agent.service import Segue
from agent.store.chat_queries import Window
from tools.errors import ToolError
from tools.types import JsonObject

WEEK = timedelta(days=7)
EXAMPLE = "01J9ZK3V8Q4T6N2M7R5W1X0YBC"
_ID = re.compile("[0-9A-Z]{26}")


def text(arguments: JsonObject, name: str) -> str | None:
    """A text argument; None where it is absent or empty."""
    given = arguments.get(name)
    if given is None:
        return None
    if not isinstance(given, str):
        raise ToolError(f"{name} is no text. Right: a text.")
    return given.strip() or None


def needed(arguments: JsonObject, name: str, right: str) -> str:
    """A text argument without which nothing can be done; `right` says what it would be."""
    given = text(arguments, name)
    if given is None:
        raise ToolError(f"{name} is missing. Right: {right}.")
    return given


def id_(arguments: JsonObject, name: str) -> str | None:
    """The id of a run or an approval; None where it is absent."""
    given = text(arguments, name)
    if given is None:
        return None
    if not _ID.fullmatch(given.upper()):
        raise ToolError(f"{name}: {plain(given)!r} is no id. Right: 26 letters and digits, such as {EXAMPLE}.")
    return given.upper()


def one_of(arguments: JsonObject, name: str, known: Iterable[str], default: str | None = None) -> str:
    """A text argument that has one of a few values."""
    allowed = list(known)
    given = text(arguments, name) or default
    if given not in allowed:
        wrong = "is missing" if given is None else f"{plain(given)!r} is none of them"
        raise ToolError(f"{name}: {wrong}. Right: {', '.join(allowed)}.")
    return given


def amount(arguments: JsonObject, name: str) -> float | None:
    """A number; None where it is absent."""
    given = arguments.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ToolError(f"{name} is no number. Right: a number such as 50.")
    return float(given)


def limit(arguments: JsonObject, default: int, most: int) -> int:
    """How many rows are wanted."""
    given = amount(arguments, "limit")
    return default if given is None else min(most, max(1, int(given)))


def window(arguments: JsonObject, now: datetime, default: timedelta | None = None) -> Window:
    """From `since` until `until`; without `since`, as long a time as `default` before the end."""
    since, until = _moment(arguments, "since"), _moment(arguments, "until")
    if since is None and default is not None:
        since = (until or now) - default
    if since is not None and until is not None and since >= until:
        raise ToolError(f"since {since.isoformat()} is not before until {until.isoformat()}. Right: an earlier since.")
    return Window(since=since, until=until)


def _moment(arguments: JsonObject, name: str) -> datetime | None:
    given = text(arguments, name)
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ToolError(f"{name}: {plain(given)!r} is no moment. Right: such as 2026-11-26T00:00:00+00:00.") from None


def known_tool(segue: Segue, given: str) -> str:
    """The tool or action that is meant; letters' case does not matter. Raises `ToolError` for an unknown tool."""
    names = [str(one["name"]) for one in segue.tools()]
    base, bracket, rest = given.partition("[")
    same = [name for name in names if name.casefold() == base.casefold()]
    if not same:
        hint = suggest(plain(base), names, "The portfolio has no tools.")
        raise ToolError(f"there is no tool {plain(base)!r}. {hint}")
    return (base if base in same else same[0]) + bracket + rest


async def known_action(segue: Segue, asker: Asker, given: str) -> str:
    """The tool or action that is meant, by its name or by words of it: `supplier B` for `order_part[supplier=B]`.

    One that the portfolio has no more is known where a decision has weighed it lately. Raises `ToolError` otherwise.
    """
    try:
        return known_tool(segue, given)
    except ToolError:
        found = await segue.desk.actions(asker.tenant)
        names = {*found, *(base_of(one) for one in found), *(str(one["name"]) for one in segue.tools())}
        words = _words(given)
        meant = sorted(name for name in names if name == given or (words and words <= _words(name)))
        if given in meant:
            return given
        if len(meant) == 1:
            return meant[0]
        if meant:
            told = ", ".join(plain(one) for one in meant[:12])
            raise ToolError(f"{plain(given)!r} may mean {told}. Right: one of these.") from None
        raise


def _words(name: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", name.casefold()))


def base_of(action: str) -> str:
    """The tool of an action."""
    return action.partition("[")[0]


async def known_subject(segue: Segue, asker: Asker, given: str) -> str:
    """The subject that is meant; letters' case does not matter. Raises `ToolError` where no run is about it."""
    found = await segue.desk.subject(asker.tenant, given)
    if found is None:
        hint = suggest(plain(given), await segue.desk.subjects(asker.tenant), "There are no runs yet: send an event.")
        raise ToolError(f"there is no run about {plain(given)!r}. {plain(hint, 400)}")
    return found


def permit(asker: Asker, scope: Scope) -> None:
    """Whoever acts looks again. Raises `ToolError` where the key does not have the scope."""
    if scope not in asker.scopes:
        raise ToolError(f"your key does not permit this: it lacks {lacks(scope, asker.scopes)}")
