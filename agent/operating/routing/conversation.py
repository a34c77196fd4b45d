"""What the conversation before has named last, and questions that are half of one. Start with `carried`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.operating.names import Names
from agent.operating.routing.mentions import Mentions, mentioned
from agent.operating.routing.sentences import clean
from tools.types import JsonObject, JsonValue

LAST = 6
"""Messages that are looked back on."""
_CONNECTS = re.compile(
    r"\b(?:and|also|what about|how about|what of|then|the same|same|again|now|for|with|about|of|on|in|the|"
    r"please|ok|so|but|only|or|"
    r"customer|machine|subject|tool|run|event|supplier|x)\b|[^\w]"
)
_WHY = re.compile(
    r"(?:and |but |so |ok )*(?:why|why so|how come|why is that|why was that|why that|what for|why did that happen)\W*"
)
_WHY_NOT = re.compile(r"(?:and |but |so |ok )*why not\W*")


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What was named last, None where nothing was."""

    subject: str | None = None
    run: str | None = None
    tool: str | None = None
    approval: str | None = None
    effect: str | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of the conversation before."""

    role: str
    text: str


def messages(data: JsonObject) -> list[Message]:
    """The last ones before the question; what is no message is left out."""
    earlier: JsonValue = data.get("earlier")
    if not isinstance(earlier, Sequence) or isinstance(earlier, str):
        return []
    found = []
    for one in earlier[-LAST:]:
        role, text = (one.get("role"), one.get("text")) if isinstance(one, dict) else (None, None)
        if isinstance(role, str) and isinstance(text, str):
            found.append(Message(role=role, text=clean(text)))
    return found


async def carried(earlier: Sequence[Message], names: Names, tenant: str, now: datetime) -> Carried:
    """Of what operators said everything, of answers ids alone: the rest of them may be anybody's text."""
    last: dict[str, str] = {}
    for message in reversed(earlier):
        found = await mentioned(message.text, names, tenant, now)
        for name in ("run", "approval", "effect"):
            known = [one.value for one in found.found if one.kind == name and one.known]
            if known and (message.role == "operator" or len({*known}) == 1 or name == "run"):
                last.setdefault(name, known[0])
        if message.role == "operator":
            for name in ("subject", "tool"):
                value = found.first("subject" if name == "subject" else "tool")
                if value is not None:
                    last.setdefault(name, value)
    return Carried(**last)


def is_half(mentions: Mentions) -> bool:
    """Whether a question only names something to ask the last one of again: `and yesterday?`, `what about c-2?`."""
    return bool(mentions.found) and not _CONNECTS.sub("", mentions.masked())


def asks_why(mentions: Mentions) -> bool:
    """Whether it only asks why."""
    return _WHY.fullmatch(mentions.masked()) is not None


def asks_why_not(mentions: Mentions) -> bool:
    """Whether it only asks why not."""
    return _WHY_NOT.fullmatch(mentions.masked()) is not None
