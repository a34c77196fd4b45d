"""What a question names: found in its text, and masked there, so that the rest can be compared. Start with `mentioned`.

The order matters: what stands in quotes first, then ids, tools and actions, amounts, subjects behind a word for them
("customer today"), times, and other subjects last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from agent.operating.names import Names
from agent.operating.routing.amounts import at_most
from agent.operating.routing.moments import windows
from agent.operating.routing.sentences import each_word, quoted

Kind: TypeAlias = Literal["quote", "run", "approval", "effect", "tool", "type", "subject", "time", "amount"]

MASKS: Mapping[Kind, str] = {
    "quote": "x",
    "run": "run x",
    "approval": "approval x",
    "effect": "effect x",
    "tool": "tool x",
    "type": "event x",
    "subject": "x",
    "time": "",
    "amount": "",
}
MOST_WORDS = 5
"""Of a subject's name."""
MOST_CANDIDATES = 400
KINDS = each_word(
    "customer client user guest patient account machine device pump line robot vehicle truck order shipment "
    "supplier case subject product article ticket plant asset unit store shop site employee partner contract "
)
"""Words for what events are about; a company's own come from its portfolio."""
COMMON = each_word(
    "a about above again all also am an and any are as at be been before but by call called can case cases could "
    "customer day did do does done down each end ended event events every everything failed for from get give go "
    "good had happen happened has have help her here him his how i if in is it its just last like list machine made "
    "make many marketing max may me month more most much my new no not now of off on once one only or order our out "
    "over part pause paused please refund reject run runs send should show since so some stop supplier test than "
    "that the their them then there these they this tool tools to today today's tomorrow too up us use used was we "
    "week were what when where which who why will with would yes yesterday you your approve approved cancel "
    "cancelled done waiting running stopped queued resume figures learned monday tuesday wednesday thursday friday "
    "saturday sunday eur usd euro euros hours hour days weeks "
)
"""No subject unless a word for one stands before it, or quotes around it."""

_ID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b(?::\d{1,6}:\d{1,6})?", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_EDGES = " .,;:!?()[]{}<>\"'`*"
_LIKE_AN_ID = re.compile(r"(?=[\w./#:-]*\d)(?=[\w./#:-]*[A-Za-z])[\w][\w./#:-]*|\w+-\d+")


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A name in the text."""

    kind: Kind
    start: int
    end: int
    value: str
    """As Segue knows it; of a quote its words."""
    known: bool = True
    """False: it looks like a subject, and no run has had it."""


@dataclass(frozen=True, kw_only=True)
class Mentions:
    """What a text names."""

    text: str
    found: tuple[Mention, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    at_most: float | None = None

    def of(self, kind: Kind) -> tuple[str, ...]:
        """The names of a kind, each once, in their order."""
        return tuple(dict.fromkeys(one.value for one in self.found if one.kind == kind))

    def first(self, kind: Kind) -> str | None:
        """The first name of a kind."""
        return next(iter(self.of(kind)), None)

    def within(self, end: int) -> Mentions:
        """Those of the text up to there; times and amounts are of the whole."""
        return replace(self, found=tuple(one for one in self.found if one.end <= end))

    def masked(self, *kept: Kind) -> str:
        """The text in lower case with what is named replaced, but for names of these kinds."""
        parts, at = [], 0
        for one in self.found:
            if one.kind in kept:
                continue
            parts += [self.text[at : one.start], MASKS[one.kind]]
            at = one.end
        return re.sub(r"\s+", " ", "".join((*parts, self.text[at:]))).strip().lower()


class _Marking:
    """A text that is gone through for one kind of name after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Mention] = []

    def free(self, start: int, end: int) -> bool:
        return all(end <= one.start or start >= one.end for one in self.found)

    def add(self, kind: Kind, start: int, end: int, value: str, *, known: bool = True) -> None:
        if self.free(start, end):
            self.found.append(Mention(kind=kind, start=start, end=end, value=value, known=known))

    def words(self) -> list[tuple[int, int]]:
        """Where free words stand, without what is written around them."""
        places = []
        for match in _WORD.finditer(self.text):
            word = match.group()
            start = match.start() + len(word) - len(word.lstrip(_EDGES))
            end = match.end() - (len(word) - len(word.rstrip(_EDGES)))
            if end > start and self.text[start:end].lower().endswith("'s") and end - start > 2:
                end -= 2
            if end > start and self.free(start, end):
                places.append((start, end))
        return places


async def mentioned(text: str, names: Names, tenant: str, now: datetime) -> Mentions:
    """What a cleaned text names."""
    marking = _Marking(text)
    for start, end, words in quoted(text):
        marking.add("quote", start, end, words)
    await _ids(marking, names, tenant)
    _exact(marking, names)
    await _choices(marking, names, tenant)
    limits = [limit for limit in at_most(text) if marking.free(limit.start, limit.end)]
    for limit in limits:
        marking.add("amount", limit.start, limit.end, str(limit.value))
    known = await _subjects(marking, names, tenant)
    spans = windows(text.lower(), now) if len(text.lower()) == len(text) else []
    spans = [span for span in spans if marking.free(span.start, span.end)]
    for span in spans:
        marking.add("time", span.start, span.end, text[span.start : span.end])
    _other_subjects(marking, known)
    return Mentions(
        text=text,
        found=tuple(sorted(marking.found, key=lambda one: one.start)),
        since=spans[0].since if spans else None,
        until=spans[0].until if spans else None,
        at_most=min((limit.value for limit in limits), default=None),
    )


async def _ids(marking: _Marking, names: Names, tenant: str) -> None:
    written = [(match.start(), match.end(), match.group().upper()) for match in _ID.finditer(marking.text)]
    ids = [one for _, _, one in written if ":" not in one]
    keys = [one for _, _, one in written if ":" in one]
    known = await names.ids(tenant, ids[:50], keys[:50])
    for start, end, one in written:
        if ":" in one:
            marking.add("effect", start, end, one, known=one in known.effects)
        elif one in known.approvals:
            marking.add("approval", start, end, one)
        else:
            marking.add("run", start, end, one, known=one in known.runs)


def _exact(marking: _Marking, names: Names) -> None:
    """Actions, tools and event types as they are written in the portfolio, and tools in words: `pause marketing`."""
    lower = marking.text.lower()
    for name in sorted(names.tools, key=len, reverse=True):
        escaped = re.escape(name.lower())
        single = "" if re.search(r"\W|_|[a-z][A-Z]|\d", name) else r"(?<=tool )"
        for match in re.finditer(rf"(?<![\w-]){single}{escaped}(\[[^\]\n]{{1,200}}\])?(?![\w-])", lower):
            if match.end() <= len(marking.text):
                value = name + marking.text[match.end() - len(match.group(1)) : match.end()] if match.group(1) else name
                marking.add("tool", match.start(), match.end(), value)
    for name in sorted((*names.event_types, *names.outcome_types), key=len, reverse=True):
        single = "" if re.search(r"[\W_]", name) else r"(?<=type )"
        for match in re.finditer(rf"(?<![\w.-]){single}{re.escape(name.lower())}(?![\w-])", lower):
            marking.add("type", match.start(), match.end(), name)


async def _choices(marking: _Marking, names: Names, tenant: str) -> None:
    """`supplier B`: an action of a tool that chooses a supplier."""
    for choice in names.choices():
        argument = re.escape(choice.argument.replace("_", " ").lower())
        pattern = re.compile(rf"(?<![\w-]){argument}s? ?[=: ] ?[\"']?(\w[\w.-]*)", re.IGNORECASE)
        places = [match for match in pattern.finditer(marking.text) if marking.free(match.start(), match.end())]
        if not places:
            continue
        values = {value.lower(): value for value in await names.values(tenant, choice)}
        for match in places:
            end, written = match.end(1), match.group(1).rstrip(".-")
            value = values.get(written.lower())
            if value is not None:
                marking.add("tool", match.start(), end, await names.action(tenant, choice, value))


async def _subjects(marking: _Marking, names: Names, tenant: str) -> Mapping[str, str]:
    """Mark quoted subjects and those behind a word for them; what is written -> all subjects there are."""
    kinds = KINDS | names.kinds
    candidates = list(dict.fromkeys([*_quotes(marking), *_behind(marking, kinds), *_spans(marking)]))[:MOST_CANDIDATES]
    known = await names.subjects(tenant, candidates)
    marking.found = [
        Mention(kind="subject", start=one.start, end=one.end, value=known[one.value])
        if one.kind == "quote" and one.value in known
        else one
        for one in marking.found
    ]
    for start, end, looks in _places_behind(marking, kinds):
        written = marking.text[start:end]
        if written in known:
            marking.add("subject", start, end, known[written])
        elif looks:
            marking.add("subject", start, end, written, known=False)
    return known


def _quotes(marking: _Marking) -> list[str]:
    return [one.value for one in marking.found if one.kind == "quote"]


def _behind(marking: _Marking, kinds: frozenset[str]) -> list[str]:
    return [marking.text[start:end] for start, end, _ in _places_behind(marking, kinds)]


def _places_behind(marking: _Marking, kinds: frozenset[str]) -> list[tuple[int, int, bool]]:
    """Start and end of what stands behind a word for a subject, longest first, and whether it looks like a name."""
    text, words = marking.text, marking.words()
    places = []
    for index, (start, end) in enumerate(words[:-1]):
        word = text[start:end].lower()
        if word not in kinds or not _follows(text, end, words[index + 1][0]):
            continue
        after = words[index + 1 : index + 1 + MOST_WORDS]
        the = index > 0 and text[slice(*words[index - 1])].lower() in (
            "the",
            "this",
            "that",
            "a",
            "our",
            "my",
            "which",
            "what",
        )
        for count in range(len(after), 0, -1):
            written = text[after[0][0] : after[count - 1][1]]
            if count == 1 and (written.lower() in kinds or (the and written.lower() in COMMON)):
                continue
            looks = count == 1 and (_LIKE_AN_ID.fullmatch(written) is not None or written.isdigit() or _proper(written))
            places.append((after[0][0], after[count - 1][1], looks))
    return places


def _proper(written: str) -> bool:
    return written[0].isupper() and written.lower() not in COMMON


def _follows(text: str, end: int, start: int) -> bool:
    return text[end:start].strip(" \"'#:`(") == "" and start - end <= 3


def _spans(marking: _Marking) -> Iterator[str]:
    """Runs of one to five free words that may be a subject's name."""
    words = marking.words()
    for index in range(len(words)):
        for count in range(1, MOST_WORDS + 1):
            if index + count > len(words):
                break
            start, end = words[index][0], words[index + count - 1][1]
            if _may_be_name(marking.text[start:end]):
                yield marking.text[start:end]


def _may_be_name(written: str) -> bool:
    if " " not in written and (written.isdigit() or (len(written) == 1 and not written.isupper()) or written == "I"):
        return False
    return any(word.lower().strip(_EDGES) not in COMMON for word in written.split())


def _other_subjects(marking: _Marking, known: Mapping[str, str]) -> None:
    """Subjects that exist, the longest first, then what looks like the id of one."""
    words = marking.words()
    for count in range(MOST_WORDS, 0, -1):
        for first, last in zip(words, words[count - 1 :], strict=False):
            written = marking.text[first[0] : last[1]]
            if written in known and _may_be_name(written):
                marking.add("subject", first[0], last[1], known[written])
    for start, end in words:
        written = marking.text[start:end]
        if _LIKE_AN_ID.fullmatch(written) and not re.fullmatch(
            r"\d+(?:h|d|th|st|nd|rd|k|s|ms|am|pm|x)", written.lower()
        ):
            marking.add("subject", start, end, written, known=False)
