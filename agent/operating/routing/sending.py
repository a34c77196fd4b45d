"""The data of an event to send: that of the last like event, with what the question says. Start with `data`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent.operating.routing.mentions import Mentions
from tools.types import JsonObject, JsonValue

_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")
_IS = r"(?:\s*[=:]\s*|\s+(?:of|is|to|as|at|was|being)\s+|\s+)"
_VALUE = r"(\"[^\"]*\"|'[^']*'|[^\s,;]+)"


def data(mentions: Mentions, schema: JsonObject, before: JsonObject | None) -> dict[str, JsonValue]:
    """The fields the last event had, those named in the question replaced; unknown fields as `key=value` alone."""
    filled: dict[str, JsonValue] = dict(before or {})
    properties = schema.get("properties")
    fields: Mapping[str, JsonValue] = properties if isinstance(properties, Mapping) else {}
    for name, kind in fields.items():
        written = _written(mentions.text, name)
        if written is not None:
            value = _value(written, kind if isinstance(kind, Mapping) else {})
            if value is not None:
                filled[name] = value
    for match in re.finditer(rf"(?<![\w.\[])([A-Za-z_]\w{{0,63}})=(?!=){_VALUE}", mentions.text):
        if match.group(1) not in fields and match.group(1).lower() not in ("type", "subject"):
            filled[match.group(1)] = _value(match.group(2), {})
    return filled


def _written(text: str, name: str) -> str | None:
    """What the text says of a field: `hours_left=3`, `hours left 3`, `message "where is it"`."""
    words = re.escape(name).replace("_", "[_ ]")
    found = re.search(rf"(?<![\w.-]){words}{_IS}{_VALUE}", text, re.IGNORECASE)
    return None if found is None else found.group(1)


def _value(written: str, schema: Mapping[str, JsonValue]) -> JsonValue:
    """In the type the schema has for it; None where it cannot be of that type."""
    bare = written.strip("\"'") if written[:1] in "\"'" else written.rstrip(".!?)")
    kind = schema.get("type")
    kinds = (
        [kind]
        if isinstance(kind, str)
        else [one for one in kind if isinstance(one, str)]
        if isinstance(kind, list)
        else []
    )
    number = re.fullmatch(r"[-+]?\d{1,15}(?:\.\d{1,15})?(%?)", bare)
    quoted = written != bare and written[:1] in "\"'"
    if number and not quoted and (not kinds or {"number", "integer"} & {*kinds}):
        value = float(bare.rstrip("%")) / (100.0 if number.group(1) else 1.0)
        whole = value.is_integer() and ("integer" in kinds or "." not in bare)
        return int(value) if whole else value
    if bare.lower() in (*_TRUE, *_FALSE) and not quoted and (not kinds or "boolean" in kinds):
        return bare.lower() in _TRUE
    return bare if not kinds or "string" in kinds else None
