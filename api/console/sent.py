"""What a form of a page sends, and how it is taken in: from a browser, so it may be anything. Start with `SENT`."""

from __future__ import annotations

from nicegui.events import GenericEventArguments

from agent.errors import Refused
from agent.storable import NotStorable, check_text

LONGEST_REASON = 2_000
SENT = """(event) => {
  event.preventDefault();
  emit(Object.fromEntries(new FormData(event.currentTarget, event.submitter)));
}"""
"""Of a form that is submitted: its fields, and the button's."""
CHANGED = "(event) => emit(Object.fromEntries(new FormData(event.currentTarget)))"
"""Of a form in which something was changed."""


def fields(event: GenericEventArguments) -> dict[str, str]:
    """By name; what is no text is left out."""
    given = event.args if isinstance(event.args, dict) else {}
    return {str(name): value for name, value in given.items() if isinstance(value, str)}


def reason_of(said: str | None) -> str | None:
    """A reason as it is stored, without what stands around it; None for none. Raises `Refused`."""
    found = (said or "").strip()
    if len(found) > LONGEST_REASON:
        raise Refused(f"the reason has {len(found):,} characters; at most {LONGEST_REASON:,} are taken")
    try:
        check_text(found, "the reason")
    except NotStorable as error:
        raise Refused(str(error)) from error
    return found or None
