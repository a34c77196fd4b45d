"""Whether the runs an answer names were looked up. Start with `unknown_ids`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from agent.types import CallResult

_ID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")
"""A ULID, as all ids of runs and approvals are."""


def unknown_ids(words: str, asked: Sequence[str], results: Sequence[CallResult]) -> tuple[str, ...]:
    """Ids in the words that stand neither in what was asked nor in what was found; a model may make some up."""
    named = dict.fromkeys(_ID.findall(words))
    if not named:
        return ()
    known = set(_ID.findall("\n".join(asked)))
    for result in results:
        known |= set(_ID.findall(json.dumps([result.call.arguments, result.result], default=dict)))
    return tuple(name for name in named if name not in known)


def with_warning(words: str, unknown: Sequence[str]) -> str:
    """The words, and which of their ids nothing bears out."""
    if not unknown:
        return words
    return f"{words}\n(Not found in anything that was looked up: {', '.join(unknown)}.)"
