"""What words are likest to: a question to phrases, part of it to a tool or an event type. Start with `likeness`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent.deciders.planner_meaning import MAX_TEXT, Similarities, in_words
from agent.operating.routing.sentences import each_word

BEST = 3
"""Of a tool's phrases so many count."""
SHARED = 0.15
"""What it adds that all words of the question stand in one phrase."""
SURE = 0.33
"""From here on a name is meant, where words are shared; without any, from `VERY_SURE` on."""
VERY_SURE = 0.42
NEAR = 0.06
"""Two things that are so near to each other cannot be told apart."""
_WORD = re.compile(r"[^\W_]+")
EMPTY = each_word(
    "a about again all also am an and any anything are as at be been before but by can could did do does for from "
    "get give go had has have he her him his how i if in is it its just let make may me more most much my no not "
    "now of off on or our please she should so some that the their them then there they this to too up us use used "
    "was we were what when which who why will with would x you your come reason made t s d ll re ve don didn wasn "
    "weren doesn isn tool tools call called event test sample run runs because get got put "
)
"""Words that say nothing of what is meant."""


@dataclass(frozen=True, kw_only=True)
class Meant:
    """What some words mean, the likest first."""

    best: str | None
    """None: nothing is like enough."""
    near: tuple[str, ...] = ()
    """What is nearly as like as the best, and it."""
    scores: Mapping[str, float]


def stems(text: str) -> list[str]:
    """The words that say something, without their endings."""
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in EMPTY and not word.isdigit()]


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """`paused`, `pausing` and `pause` are alike; a rough cut is enough for comparing."""
    for ending in (
        "ations",
        "ation",
        "ings",
        "ing",
        "ments",
        "ment",
        "ures",
        "ure",
        "ied",
        "ies",
        "ed",
        "es",
        "s",
        "ions",
        "ion",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    word = word.rstrip("e") if len(word) > 3 else word
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


def strange(text: str, known: Collection[str]) -> float:
    """The share of words, and of bare numbers, that are not among the stems known."""
    said = [*stems(text), *re.findall(r"\b\d+\b", text)]
    return sum(1 for one in said if one not in known) / len(said) if said else 0.0


async def likeness(similarities: Similarities, question: str, phrases: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """How like a masked question is to each tool's phrases: mean of the best few cosines, and shared words."""
    things = {phrase: phrase for of_tool in phrases.values() for phrase in of_tool}
    cosines = await cosine(similarities, question, things)
    words = {*stems(question)}
    found = {}
    for name, of_tool in phrases.items():
        best = sorted((cosines[phrase] for phrase in of_tool), reverse=True)[:BEST]
        weights = (0.5, 0.3, 0.2)[: len(best)]
        shared = max((_overlap(words, {*stems(phrase)}) for phrase in of_tool), default=0.0)
        mean = sum(weight * value for weight, value in zip(weights, best, strict=True)) / (sum(weights) or 1.0)
        found[name] = mean + SHARED * shared
    return found


def _overlap(left: set[str], right: set[str]) -> float:
    return len(left & right) / len(left | right) if left and right else 0.0


async def cosine(similarities: Similarities, text: str, things: Mapping[str, str]) -> dict[str, float]:
    """Cosines of a text to things; 0 where none can be had."""
    text = text[:MAX_TEXT].strip()
    if not text or not things:
        return dict.fromkeys(things, 0.0)
    found = await similarities(text, things)
    return {name: value if math.isfinite(value := found.get(name, 0.0)) else 0.0 for name in things}


async def meant(similarities: Similarities, words: str, things: Mapping[str, str]) -> Meant:
    """Which of the described things, by name, is meant: by shared words, the rarer the more, and by cosine."""
    asked = {*stems(words)}
    named = {name: {*stems(in_words(name))} for name in things}
    told = {name: {*stems(text)} | named[name] for name, text in things.items()}
    cosines = await cosine(similarities, words, {name: f"{in_words(name)}: {text}" for name, text in things.items()})
    number = Counter(one for of_thing in told.values() for one in of_thing)
    scores, shares = {}, {}
    for name in things:
        share = sum((2.0 if one in named[name] else 1.0) / number[one] for one in asked & told[name])
        shares[name] = share
        scores[name] = cosines[name] + 0.25 * min(share, 2.0)
    if not scores:
        return Meant(best=None, scores={})
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < (SURE if shares[best] > 0 else VERY_SURE):
        return Meant(best=None, scores=scores)
    near = tuple(sorted((one for one in scores if scores[one] >= scores[best] - NEAR), key=lambda one: -scores[one]))
    return Meant(best=best, near=near, scores=scores)
