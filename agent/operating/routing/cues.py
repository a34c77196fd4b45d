"""Words that speak for or against a tool of the chat, besides likeness. Start with `cued`.

All of them are general words of questions; what a company calls its things is found by `mentions` and `meaning`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

WHY = re.compile(
    r"\b(?:why|how come|how is it that|what (?:was|is|were) the (?:reasons?|grounds?)|for what reasons?|"
    r"reasons? (?:for|of|why|behind)|"
    r"on what grounds|what made|what (?:led|drove|caused|spoke|triggered|prompted|brought)|what(?: i|')s behind|"
    r"^reasons?|what speaks|because of what|wherefore)\b"
)
AGAINST = re.compile(
    r"\b(?:not|lose|lost|loses|beaten|never|no|nobody|none|nothing|without|instead|against|skip(?:ped|s)?|"
    r"ignored?|left out|leave out|"
    r"ruled out|rule out|"
    r"passed (?:over|up)|overlooked|rejected|avoid(?:ed)?|unused|dropped|refused|omitted|discarded|neglected|"
    r"cannot|fail to|"
    r"failed to)\b|n't\b"
)
ADVICE = re.compile(
    r"^(?:\W|\b(?:and|so|but|ok|well|hey|hi|please)\b)*(?:should|shall|must|may|can|could|ought|do|would it|is "
    r"it|would you|"
    r"what (?:happens|would happen|if|will happen)|what do you think|how (?:do|can|could|would|should|to)|is "
    r"there a way to|"
    r"am i allowed|do you think|would that)\b"
)
ACT_WORDS = re.compile(
    r"\b(?:approv|accept|grant|reject|declin|den(?:y|ie)|refus|paus|suspend|halt|freez|resum|unpaus|continu|cancel|abort|settl|send|"
    r"sent|trigger|fir(?:e|ing)\b|emit)\w*"
)
MOST = 20
"""Runs an answer tells at most."""
HOW = re.compile(r"\bhow (?:do|can|could|would|should|to)\b|\bis there a way to\b")
ACTS_NAMED: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(rf"\b(?:{words})"), tool)
    for words, tool in (
        ("paus|suspend|halt|freez", "pause"),
        ("resum|unpaus|continu", "resume"),
        ("cancel|abort", "cancel_run"),
        ("settl", "settle_effect"),
        ("send|sent|trigger|fir|emit", "send_event"),
    )
)
PRONOUN = re.compile(
    r"\b(?:it|them|him|her|they|he|she|its|their|his|"
    r"(?:the|this|that|same) (?:same )?(?:customer|machine|case|run|approval|request|subject|one|last one))\b"
)
STATUSES: Mapping[str, str] = {
    r"failed|failing|broken|crashed": "failed",
    r"waiting|parked": "waiting",
    r"running|in flight|in progress|active|open": "running",
    r"queued|in line|in the queue": "queued",
    r"cancell?ed": "cancelled",
    r"stopped": "stopped",
    r"done|finished|completed|succeeded|successful": "done",
}

_SUPERLATIVE = (
    r"(?:most|least|worst|best|slowest|fastest|often|rank\w*|top|highest|lowest|max\w*|unreliable|"
    r"reliable|flaky|offender)"
)
_TROUBLE = (
    r"(?:fail\w*|error\w*|break\w*|broke\w*|trouble\w*|problem\w*|slow\w*|reliab\w*|unreliable|latency|"
    r"duration|long|success rate)"
)
_BEFORE = r"(?:before|in the past|earlier|previously|last times?)"

_CUES: Sequence[tuple[str, str, float]] = (
    (
        "waiting",
        r"\b(?:wait(?:s|ing)?|pending|attention|to (?:approve|decide|answer|confirm)|need\w* (?:an? )?(?:me|my|"
        r"us|human|operator|person)|from me)\b",
        0.15,
    ),
    (
        "waiting",
        r"\b(?:open|outstanding|unanswered) (?:approvals?|questions?|requests?|decisions?)|"
        r"approvals?\b(?=.*\b(?:are|is) (?:there|open))",
        0.2,
    ),
    ("waiting", r"\b(?:stuck|blocked|held up|on my (?:setting|list|plate))\b", 0.1),
    (
        "find_runs",
        r"\b(?:happen\w*|went on|going on|the story|the history|the runs?|runs (?:of|for|that)|were done|was "
        r"done|did we do)\b",
        0.08,
    ),
    ("find_runs", r"\b(?:show|list|find|search|which|what|any)\b.*\bruns\b(?! (?:were|are) there)", 0.15),
    (
        "find_runs",
        r"^(?:did|has|have|was|were|who) (?:\w+ ){0,3}(?:approve|pause|cancel|send|sent|reject|order|call|pay|paid)\w*",
        0.15,
    ),
    ("explain_run", r"\brun x\b", 0.3),
    ("explain_run", r"\b(?:explain|step by step|details?|walk me)\b", 0.05),
    (
        "like_cases",
        r"\b(?:like|similar\w*|comparable|alike|resembl\w*|such|parallel|analogous|precedents?|of (?:this|that) "
        r"kind) ?(?:cases?|situations?|runs?|ones?|incidents?|events?|x)?\b(?=.*\b(?:end|ended|turn\w*|went|go|"
        r"goes|out\w*|work\w*|cases?|before|earlier|past|results?|did|happen\w*)\b)",
        0.15,
    ),
    (
        "like_cases",
        r"\b(?:like|similar|comparable|past|earlier|previous|such) (?:cases?|situations?|incidents?|runs)\b|precedent",
        0.2,
    ),
    (
        "like_cases",
        rf"\b(?:had|seen|met|been|were) (?:\w+ ){{0,4}}(?:this|that|it|like x|such)\b.*\b{_BEFORE}\b|\bturned out\b",
        0.15,
    ),
    ("tool_figures", rf"\btools?\b(?=.*\b{_TROUBLE}\b).*", 0.12),
    ("tool_figures", rf"\b{_SUPERLATIVE}\b(?=.*\btools?\b)|\btools?\b(?=.*\b{_SUPERLATIVE}\b)", 0.15),
    ("tool_figures", r"\bhow (?:often|long|many times|reliable|slow|fast)\b(?=.*\b(?:tool|fail|call|take))", 0.15),
    ("tools", r"\b(?:which|what|list|show|all)\b(?: \w+){0,2} tools\b(?!.*\b(?:most|fail|error|often|slow))", 0.15),
    (
        "tools",
        r"\btool x\b(?=.*\b(?:health|healthy|working|work|up|down|for|own|owner|owns|paused|resting|reachable|"
        r"available))",
        0.15,
    ),
    ("tools", r"\bwho (?:owns|runs|paused|is responsible)\b", 0.15),
    ("learned", r"\b(?:learn\w*|lessons?|insights?|wiser|smarter|new rules?)\b", 0.45),
    ("figures", r"\bhow many\b", 0.1),
    (
        "figures",
        r"\b(?:how many|figures|numbers|statistics|stats|summary|summar\w+|overview|kpis?|average|total|count)\b",
        0.15,
    ),
    (
        "figures",
        r"\bhow (?:did|was|is|are) (?:the|my|our|we|it|things|everything) (?:\w+ )?(?:day|week|shift|doing|go|going)\b",
        0.15,
    ),
    (
        "help",
        r"^(?:help|\?+|hi|hello|hey)\b|\b(?:what|which)\b.*\b(?:can|could|may) (?:you|i|we)\b(?: do| ask|$| "
        r"help)|\bgood for\b|\bwho are you\b|\bcapab\w+|\b(?:this|the) chat\b|\bquestions\b.*\b(?:understand|"
        r"answer|ask)",
        0.25,
    ),
)
_COMPILED = [(tool, re.compile(pattern), bonus) for tool, pattern, bonus in _CUES]


def cued(masked: str, scores: Mapping[str, float]) -> dict[str, float]:
    """The scores of a masked question with what its words say added."""
    found = dict(scores)
    for tool, pattern, bonus in _COMPILED:
        if tool in found and pattern.search(masked):
            found[tool] += bonus
    asks_why = WHY.search(masked) is not None
    for tool in ("why_called", "why_not"):
        if tool in found:
            against = AGAINST.search(masked) is not None
            found[tool] += 0.2 if asks_why else -0.2
            found[tool] += 0.2 if asks_why and against == (tool == "why_not") else -0.05
    return found


def status(masked: str) -> str | None:
    """The status of runs a question is about."""
    if re.search(r"\b(?:what|anything|something|did it|which) (?:\w+ )?(?:failed|fail|went wrong|broke)\b", masked):
        return "failed"
    for words, name in STATUSES.items():
        if re.search(rf"\b(?:{words}) (?:runs?|ones)\b|\bruns?\b.{{0,25}}\b(?:{words})\b", masked):
            return name
    return None


def order_by(masked: str) -> str:
    """What tools are to be ordered by."""
    if re.search(r"\b(?:slow\w*|long\w*|duration|latency|fast\w*|quick\w*|time it takes|seconds)\b", masked):
        return "duration"
    if re.search(rf"\b{_TROUBLE}\b|\b(?:worst|offender|flaky|down)\b", masked):
        return "failures"
    if re.search(r"\b(?:call(?:s|ed)?|used?|busiest|busy|popular|often)\b", masked):
        return "calls"
    return "failures"


def limit(masked: str) -> int | None:
    """How many runs are asked for."""
    found = re.search(
        r"\b(?:last|latest|first|newest|recent) (\d{1,3})\b|\b(\d{1,3}) (?:last|latest|newest|most recent) ", masked
    )
    if found is not None:
        return min(max(1, int(found.group(1) or found.group(2))), MOST)
    return 1 if re.search(r"\b(?:last|latest|newest|most recent) run\b", masked) else None
