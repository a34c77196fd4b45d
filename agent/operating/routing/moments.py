"""Times as operators write them: today, last week, since Monday, on 2026-11-24. Start with `windows`.

Everything is UTC, as everything Segue shows is. A week begins on Monday.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

DAY = timedelta(days=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST_DAYS = 36_500
_UNITS = {
    "min": 60,
    "hour": 3_600,
    "hr": 3_600,
    "h": 3_600,
    "day": 86_400,
    "d": 86_400,
    "week": 604_800,
    "month": 2_592_000,
}
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "twelve": 12}
_COUNT = r"(\d{1,5}|a|an|one|two|three|four|five|six|seven|twelve|few|couple of)"
_UNIT = r"(min(?:ute)?s?|hours?|hrs?|h|days?|d|weeks?|months?)"
_WEEKDAY = "(" + "|".join(f"{day}|{day[:3]}" for day in WEEKDAYS) + ")"
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = (
    r"(\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d)?(?:z|\+00:00)?)?"
    r"|\d{1,2}\.\d{1,2}\.(?:\d{4})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?: \d{{4}})?"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?)"
)

Window: TypeAlias = tuple[datetime | None, datetime | None]
"""From, and up to but without; None: open."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A time window, and where it stands in the text."""

    start: int
    end: int
    since: datetime | None
    until: datetime | None


def windows(text: str, now: datetime) -> list[Span]:
    """Those of a text in lower case, in their order, none within another. What names no real day is none."""
    found: list[Span] = []
    for pattern, meaning in _FORMS:
        for match in pattern.finditer(text):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            try:
                window = meaning(match, now)
            except (ValueError, OverflowError):
                continue
            if window is not None:
                found.append(Span(start=match.start(), end=match.end(), since=window[0], until=window[1]))
    return sorted(found, key=lambda span: span.start)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _monday(moment: datetime) -> datetime:
    return _midnight(moment) - moment.weekday() * DAY


def _month(moment: datetime) -> datetime:
    return _midnight(moment).replace(day=1)


def _seconds(count: str, unit: str) -> float:
    number = int(count) if count.isdigit() else _NUMBERS.get(count, 3)
    stem = unit.rstrip("s") if unit != "s" else unit
    scale = next(
        seconds for name, seconds in _UNITS.items() if stem.startswith(name) and (len(name) > 1 or stem == name)
    )
    return number * scale


def _past(match: re.Match[str], now: datetime) -> Window:
    count, unit = match.group(1) or "one", match.group(2)
    return now - timedelta(seconds=min(_seconds(count, unit), LONGEST_DAYS * 86_400)), None


def _weekday(name: str, now: datetime) -> datetime:
    """The latest one, today's included."""
    wanted = next(index for index, day in enumerate(WEEKDAYS) if day.startswith(name[:3]))
    return _midnight(now) - ((now.weekday() - wanted) % 7) * DAY


def _date(written: str, now: datetime) -> tuple[datetime, timedelta]:
    """The moment, and how long what is named lasts."""
    if re.match(r"\d{4}-", written):
        if len(written) == 10:
            return datetime.fromisoformat(written).replace(tzinfo=now.tzinfo), DAY
        moment = datetime.fromisoformat(written[:19].replace("t", " ").removesuffix("z"))
        return moment.replace(tzinfo=now.tzinfo), timedelta(minutes=1)
    numbers = [int(one) for one in re.findall(r"\d+", written)]
    name = re.search(_MONTH, written)
    if name is None:
        day, month, *year = numbers
    else:
        (day, *year), month = numbers, MONTHS.index(name.group(1)[:3]) + 1
    moment = _midnight(now).replace(year=year[0] if year else now.year, month=month, day=day)
    if not year and moment > now:
        moment = moment.replace(year=now.year - 1)
    return moment, DAY


def _day(name: str, now: datetime) -> tuple[datetime, timedelta]:
    """Of a day named in whatever way."""
    if name == "today":
        return _midnight(now), DAY
    if name == "yesterday":
        return _midnight(now) - DAY, DAY
    if re.fullmatch(_WEEKDAY, name):
        return _weekday(name, now), DAY
    return _date(name, now)


_DAY = rf"(today|yesterday|{_WEEKDAY}|{_DATE})"


def _named(match: re.Match[str], now: datetime) -> Window:
    """`since`, `before` or `on` a day."""
    start, length = _day(match.group("day"), now)
    word = match.group("how") or "on"
    if word in ("since", "from", "after", "as of"):
        return start, None
    if word in ("before", "until", "till"):
        return None, start
    return start, start + length


def _between(match: re.Match[str], now: datetime) -> Window | None:
    first, _ = _day(match.group("one"), now)
    last, length = _day(match.group("two"), now)
    return (first, last + length) if first <= last else None


def _clock(match: re.Match[str], now: datetime) -> Window:
    hour, minute = int(match.group(1)), int(match.group(2) or 0)
    if match.group(3) == "pm" and hour < 12:
        hour += 12
    moment = _midnight(now).replace(hour=hour, minute=minute)
    return moment if moment <= now else moment - DAY, None


def _fixed(name: str) -> Callable[[re.Match[str], datetime], Window]:
    def window(match: re.Match[str], now: datetime) -> Window:
        day, monday, month = _midnight(now), _monday(now), _month(now)
        return {
            "today": (day, None),
            "morning": (day, day + DAY / 2),
            "afternoon": (day + DAY / 2, None),
            "evening": (day + DAY * 0.75, None),
            "before_yesterday": (day - 2 * DAY, day - DAY),
            "yesterday": (day - DAY, day),
            "night": (day - DAY / 4, day + DAY / 4),
            "this_week": (monday, None),
            "last_week": (monday - 7 * DAY, monday),
            "this_month": (month, None),
            "last_month": (_month(month - DAY), month),
            "this_year": (month.replace(month=1), None),
        }[name]

    return window


def _one_of(forms: Sequence[tuple[str, str]]) -> list[tuple[re.Pattern[str], Callable[..., Window | None]]]:
    return [(re.compile(rf"\b(?:{pattern})\b"), _fixed(name)) for name, pattern in forms]


_SINCE = r"(?P<how>since|from|after|as of|before|until|till|on|of)"
_FORMS: Sequence[tuple[re.Pattern[str], Callable[..., Window | None]]] = (
    (
        re.compile(
            rf"\b(?:between|from) (?:the )?(?P<one>{_DAY}) (?:and|to|until|till) (?:the )?(?P<two>{_DAY})(?!\w)"
        ),
        _between,
    ),
    *_one_of([("before_yesterday", "(?:the )?day before yesterday")]),
    (re.compile(rf"\b(?:(?:in|over|within|during|for) )?(?:the )?(?:last|past|previous) {_COUNT} ?{_UNIT}\b"), _past),
    (re.compile(rf"\b(?:since )?{_COUNT} {_UNIT} ago\b"), _past),
    (re.compile(r"\b(?:in |within |for )?(?:the )?(?:last|past) ()(minute|hour|day|month)\b"), _past),
    *_one_of(
        [
            ("morning", "(?:since )?this morning"),
            ("afternoon", "this afternoon"),
            ("evening", "this evening|tonight"),
            ("night", "last night|over ?night"),
            ("today", "(?:so far )?today(?: so far)?(?:'s)?|(?:since|after) midnight|this day|(?:since|from) today"),
        ]
    ),
    (re.compile(r"\b(?:since|after) (\d{1,2})(?::(\d\d))? ?(am|pm|o'clock|h|utc)?(?![\w-])"), _clock),
    (re.compile(rf"\b(?:{_SINCE} )?(?:the )?(?:last )?(?P<day>{_WEEKDAY}|{_DATE}(?!\w))(?:'s)?(?!\w)"), _named),
    (re.compile(rf"\b{_SINCE} (?P<day>yesterday)\b"), _named),
    *_one_of(
        [
            ("yesterday", "yesterday(?:'s)?"),
            (
                "this_week",
                "(?:in |of |during )?(?:this|the current) week(?:'s)?(?: so far)?|since the beginning of the week",
            ),
            ("last_week", "(?:in |of |during )?(?:the )?(?:last|previous|past) week(?:'s)?"),
            ("this_month", "(?:in |of |during )?(?:this|the current) month(?:'s)?"),
            ("last_month", "(?:in |of |during )?(?:the )?(?:last|previous) month(?:'s)?"),
            ("this_year", "(?:in |of )?this year(?:'s)?"),
        ]
    ),
)
