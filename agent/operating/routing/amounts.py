"""Upper limits as operators write them: up to 50, max. 50 EUR, no more than 50 €. Start with `at_most`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CURRENCY = r"(?:euros?|eur|€|dollars?|usd|\$|pounds?|gbp|£|chf|francs?)"
_NUMBER = r"(\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?|\d{1,12}(?:[.,]\d+)?)(?![\w-])"
_LIMIT = (
    r"(?:but |and )?(?:only )?(?:up to|upto|cap (?:it|this|that) (?:at|to)|limit (?:it|this|that) to|keep (?:it|"
    r"this|that) (?:under|below)|at (?:the )?most|at max(?:imum)?|max(?:imum|imal|imally)?\.?(?: of)?|"
    r"(?:no|not) (?:more|higher|greater|larger) than|not (?:above|over|exceeding|beyond)|"
    r"(?:with )?(?:a |the )?(?:limit|cap|ceiling)(?:ed)?(?: of| at| to)?|capped at|limited to|within|below|"
    r"under|less than|"
    r"to the (?:tune|amount) of|<=|≤)"
)
_FORMS = (
    re.compile(rf"{_LIMIT}:? ?{_CURRENCY}? ?{_NUMBER} ?{_CURRENCY}?(?!\w)", re.IGNORECASE),
    re.compile(
        rf"(?<![\w.-]){_CURRENCY}? ?{_NUMBER} ?{_CURRENCY}? (?:at (?:the )?most|max(?:imum)?|tops|or less|and "
        rf"no(?:t)? more)\b",
        re.IGNORECASE,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Limit:
    """An upper limit, and where it stands in the text."""

    start: int
    end: int
    value: float


def at_most(text: str) -> list[Limit]:
    """Those of a text, in their order."""
    found = [
        Limit(start=match.start(), end=match.end(), value=_value(match.group(1)))
        for form in _FORMS
        for match in form.finditer(text)
    ]
    return sorted(found, key=lambda limit: limit.start)


def _value(written: str) -> float:
    grouped = re.fullmatch(r"\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?", written)
    number = float(re.sub(r"[,' ]", "", written) if grouped else written.replace(",", "."))
    return int(number) if number.is_integer() else number
