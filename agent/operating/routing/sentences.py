"""A question as text: cleaned, with what stands in quotes set apart, and what its first sentence orders.

Start with `clean`, `quoted` and `order`. What stands in quotes is data: it orders nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST = 2_000
"""Characters of a question that are read."""
_STRAIGHT = str.maketrans("’‘´`“”„«»", '\'\'\'\'"""""')
_QUOTED = re.compile(r"\"([^\"]*)(?:\"|$)|(?<![\w])'([^'\n]+)'(?!\w)")

_FILLER = (
    r"(?:please|pls|kindly|(?:ok(?:ay)?|yes)(?! to\b)|yep|yeah|sure|alright|all right|right|well|so|then|now|"
    r"and|also|hey|hi|hello|"
    r"good (?:morning|afternoon|evening)|segue|thanks|thank you|great|fine|perfect|just|quickly|immediately|at once|"
    r"for me|go on|ahead)"
)
_POLITE = re.compile(
    rf"(?:{_FILLER}|(?:can|could|would|will) you(?: please| kindly)?|i(?:'d| would)? (?:want|like|need|wish)(?: "
    rf"you)? to|"
    r"i hereby|i|we (?:want|need|have) to|you (?:can|may|should|must)|let's|let us|go ahead and|be so kind as to|"
    r"feel free to|do|if (?:you can|possible)|when you can)[\s,]+"
)
_ONLY_FILLER = re.compile(rf"(?:{_FILLER}[\s,]*)+")
_ASKS_POLITELY = re.compile(r"\b(?:can|could|would|will) you\b")
_REASON = re.compile(
    r"[,;]?\s*(?:\bbecause:?|\b(?:since|as) (?=(?:it|he|she|they|we|the|this|that)\b)|\breason(?: is|:|=))\s*",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:not|never|no|nobody|nothing|none|neither|nor|dont|cannot|without|avoid|refrain|instead|but|except|excluding|"
    r"apart from|other than|rather|kidding|joking|wait|scratch|forget|nevermind|hang on)\b|n't\b"
)
_LATER = re.compile(
    r"\b(?:if|unless|when|whenever|once|until|till|as soon as|in case|provided|only after|after|before|tomorrow|"
    r"later|tonight|"
    r"next (?:week|month|day|hour)|(?:in|for) (?:\d+|an?|one|two|three|some|the next) ?(?:min\w*|hours?|days?|"
    r"weeks?|h)|"
    r"at \d{1,2}(?::\d\d)? ?(?:am|pm|o'clock|h)?)\b"
)
_EVERY = re.compile(r"\b(?:all|every|each|both|any|everybody|everyone|everything)\b")

_TELL_ME = re.compile(
    rf"^(?:{_FILLER}[\s,]+)*(?:(?:can|could|would|will) you (?:please )?(?=tell|show|list|give|explain|find|"
    rf"look|say|describe|name|"
    r"check|summar|help)|i(?:'d| would) like to (?=know|see)|i (?:want|need) to (?=know|see))?"
    r"(?:(?:tell|let) (?:me|us) (?:know )?|know |do you know )?"
)

ACTS: Mapping[str, Sequence[str]] = {
    "approve": (
        r"approve|accept|grant|allow|permit|authori[sz]e|okay|ok|green-?light|sign off(?: on)?|say yes to|yes "
        r"to|confirm|"
        r"give (?:the )?(?:go-?ahead|green light|approval|your ok) (?:to|for)|wave through|let(?=.*\b(?:have|"
        r"through)\b)",
    ),
    "reject": (r"reject|decline|deny|refuse|disapprove|turn down|say no to|no to|veto|disallow",),
    "send": (
        r"send(?! (?:me|us)\b)|fire|trigger|emit|create|raise|simulate|inject|publish|post|generate|pretend|"
        r"fake|report|submit|make",
    ),
    "settle": (r"settle|mark|record|set|resolve|close",),
    "resume": (
        r"resume|unpause|un-pause|unfreeze|continue|reactivate|lift|end (?:the )?(?:pause|hold)|restart|start "
        r"(?:calling|using)|"
        r"let(?=.*\bagain\b)|start(?=.*\bagain\b)|switch(?=.*\bon again\b)|take(?=.*\boff hold\b)",
    ),
    "cancel": (r"cancel|abort|terminate|kill|call off|break off|end|stop(?=.*\brun\b)",),
    "pause": (r"pause|suspend|halt|hold|freeze|stop (?:calling|using)|stop|put(?=.*\bon (?:hold|ice)\b)|block",),
}
"""Verb -> how it is put at the head of a sentence."""
_HEADS = [(verb, re.compile(rf"(?:{'|'.join(forms)})(?![\w-])\s*")) for verb, forms in ACTS.items()]
_AND_ALSO = re.compile(
    r"\b(?:and|then|but)(?: then| also| please)* (?:"
    + "|".join(form for verb in ("approve", "reject", "pause", "resume", "cancel") for form in ACTS[verb])
    + r"|send|settle|mark)(?![\w-])"
)
_VERBS = (
    "delete|remove|erase|wipe|purge|edit|increase|decrease|reduce|buy|pay|write|compose|translate|install|uninstall|reboot|"
    "disregard|ignore|forget|reveal|pretend|hire|notify|sing|paint|calculate|compute|solve|revoke|add|register|assign|rename|"
    "convert|encrypt|decrypt|hack|bypass|disable|enable|override|lend|recommend|suggest|remind|teach"
)
_NOUNS_TOO = (
    "drop|change|update|set|raise|lower|order|refund|transfer|wire|draft|book|call|phone|restart|deploy|shut|print|repeat|act|"
    "role-?play|grant|fire|mail|e-?mail|message|draw|generate|make|build|code|sum|open|upload|download|run(?! "
    "(?:me|us) through)|execute|retry|replay|"
    "reset|create|schedule|move|copy|export|import|give|play|read|sell|ship|move"
)
_DETERMINED = (
    r"(?:the|a|an|my|our|your|me|us|him|her|it|all|some|any|every|each|this|that|these|those|x|new|"
    r"more|\d+|as|like|down|table|tool)"
)
_FOREIGN = re.compile(
    rf"(?:{_VERBS})(?![\w-])|(?!give (?:me|us) (?!(?:money|access|a refund|a discount|a "
    rf"raise)\b))(?:{_NOUNS_TOO})(?= {_DETERMINED}\b)|"
    r"tell (?:me |us )?(?:a|another|your best) (?:joke|story|riddle|secret)\b"
)
_NOT_TO = re.compile(
    r"(?:don't|do not|dont|never|not|must not|mustn't|shouldn't|should not|no need to|there is no need to|won't|"
    r"will not|"
    r"can't|cannot|stop|refrain from|avoid)\s+(?:ever |you dare |please |just |yet )*"
)
"""What turns a verb at the head of a sentence into its opposite."""
_ACTING = re.compile(r"^(?:approv|accept|grant|reject|declin|send|cancel|paus|resum|settl|releas|confirm)ing\b")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the first sentence orders, if anything."""

    verb: str | None
    """One of `ACTS`; None: it orders none of these."""
    rest: str
    """What follows the verb, without the reason."""
    reason: str | None
    foreign: str | None
    """The verb of an order nobody here can carry out."""
    refused: str | None
    """Why the order cannot be taken as it is put: `negated`, `later`, `asked`, `several`."""


def each_word(text: str) -> frozenset[str]:
    """Each once."""
    return frozenset(text.split())


def clean(text: str) -> str:
    """The part that is read, on one line, straight quotes, no control characters."""
    text = unicodedata.normalize("NFC", text[:LONGEST]).translate(_STRAIGHT)
    kept = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text)
    return re.sub(r" +", " ", kept).strip()


def quoted(text: str) -> list[tuple[int, int, str]]:
    """Start, end and words of what stands in quotes; a quote that never ends goes to the end."""
    return [(found.start(), found.end(), found.group(1) or found.group(2) or "") for found in _QUOTED.finditer(text)]


def sentences(text: str) -> list[str]:
    """At most six."""
    parts = re.split(r"(?<=[.!?;])\s+", text)
    return [part for part in parts if re.search(r"\w", part)][:6]


def reasoned(text: str) -> tuple[str, str | None]:
    """The text up to its reason, and the reason in the letters it is written in."""
    found = _REASON.search(text)
    if found is None:
        return text, None
    return text[: found.start()], text[found.end() :].strip(" .!") or None


def order(text: str) -> Order:
    """Of a text in lower case in which all that was named or quoted is masked."""
    said, reason = reasoned(text)
    first, polite = _first(said)
    verb, rest = _head(first)
    refused = None if verb is None else _refused(said, rest, polite)
    negation = _NOT_TO.match(first)
    if negation is not None:
        turned, _ = _head(_ACTING.sub("approve", first[negation.end() :], count=1))
        verb, refused = (verb, refused) if turned is None else (turned, "negated")
    foreign = _FOREIGN.match(first)
    return Order(
        verb=verb,
        rest=rest,
        reason=reason,
        foreign=None if foreign is None or verb is not None else foreign.group().strip(),
        refused=refused,
    )


def _head(first: str) -> tuple[str | None, str]:
    for name, head in _HEADS:
        found = head.match(first)
        if found is not None:
            return name, first[found.end() :]
    return None, first


def _first(said: str) -> tuple[str, bool]:
    """The first sentence that says something, without what is only polite."""
    parts = [part.strip() for part in re.split(r"[.!?;:]+(?=\s|$)|\s-\s", said)]
    head = next((part for part in parts if part and not _ONLY_FILLER.fullmatch(part)), "")
    polite = _ASKS_POLITELY.match(re.sub(rf"^(?:{_FILLER}[\s,]+)+", "", head)) is not None
    before = None
    while before != head:
        before, head = head, _POLITE.sub("", head, count=1) if _POLITE.match(head) else head
    return head.strip(), polite


def _refused(said: str, rest: str, polite: bool) -> str | None:
    if _NEGATED.search(re.sub(r"\b(?:say )?no to\b", "", said, count=1)):
        return "negated"
    if "?" in said and not polite:
        return "asked"
    if _LATER.search(re.sub(r"\b(?:if (?:you can|possible)|when you can)\b", "", said)):
        return "later"
    return "several" if _AND_ALSO.search(rest) else None


def asked_for(text: str) -> str:
    """`could you tell me who ...` is `who ...`."""
    return _TELL_ME.sub("", text, count=1)


def names_every(rest: str) -> bool:
    """Whether an order is about all there are."""
    return _EVERY.search(rest) is not None
