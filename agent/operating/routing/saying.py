"""What the chat says where it looks nothing up: what it cannot, and what it can. Start with `cannot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.operating.routing.sentences import clean
from agent.types import CallResult
from tools.errors import shorten

EXAMPLES: Mapping[str, str] = {
    "waiting": "what is waiting for me",
    "find_runs": "what happened with {subject} today",
    "explain_run": "explain run {run}",
    "why_called": "why was {tool} called for {subject}",
    "why_not": "why was {tool} not called for {subject}",
    "like_cases": "how did like cases of {subject} end",
    "tool_figures": "which tool fails most this week",
    "tools": "which tools are there",
    "learned": "what did we learn this week",
    "figures": "how many runs were there today",
    "help": "what can you do",
    "send_event": "send {type} for {subject}",
    "answer_approval": "approve {risky} for {subject}",
    "settle_effect": "settle effect {effect} as done",
    "pause": "pause {tool}",
    "resume": "resume {tool}",
    "cancel_run": "cancel the run of {subject}",
}
"""A question for each tool, with names filled in where the question had some."""
COMMONLY = ("waiting", "find_runs", "help")
LONGEST_ERROR = 600
LONGEST_NAME = 60


def example(tool: str, named: Mapping[str, str]) -> str:
    """A question that tool answers, about what was named."""
    there = {
        "subject": "c-1",
        "run": "<its id>",
        "tool": "<a tool>",
        "risky": named.get("tool", "<a tool>"),
        "type": "<its type>",
        "effect": "<its key>",
    }
    return EXAMPLES.get(tool, EXAMPLES["help"]).format_map(
        {name: plain(one) for name, one in {**there, **named}.items()}
    )


def plain(name: str) -> str:
    """A name that came from outside, as it can be shown in a line."""
    return shorten(clean(name), LONGEST_NAME)


def cannot(why: str, nearest: Sequence[str], named: Mapping[str, str]) -> str:
    """Why a question has no answer here, and three that have."""
    tools = list(dict.fromkeys([*(one for one in nearest if one in EXAMPLES), *COMMONLY]))[:3]
    asks = ", ".join(f'"{example(one, named)}"' for one in tools)
    return f"{why} You can ask, for example: {asks}."


def unclear(tools: Sequence[str], named: Mapping[str, str]) -> str:
    """Two meanings a question may have."""
    first, second = (example(one, named) for one in tools[:2])
    return f'I am not sure which you mean. Do you mean "{first}" or "{second}"?'


OUT_OF_SCOPE = (
    "I cannot answer that: I know this company's runs, tools, approvals and what was learned of them, nothing else."
)
EMPTY = "There is no question I could read."


def refused(why: str, example_: str) -> str:
    """An order that is not taken as it is put, or what is none."""
    told = {
        "negated": "I did nothing: I act only on a plain order, and this says what is not to be.",
        "asked": "I did nothing: that is a question and no order.",
        "no order": "I did nothing: I act only on a sentence that begins with what is to be done.",
        "later": "I did nothing: I cannot act later or under a condition, only now and as it is said.",
        "several": "I did nothing: I do one thing at a time, for one subject. Say them one after the other.",
        "every": "I did nothing: I answer, settle and cancel one at a time, each by its name.",
        "how": "You only have to say it.",
    }
    return (
        f'{told[why]} To have it done, say for example: "{example_}". You are asked to confirm before anything happens.'
    )


def advice(named: Mapping[str, str]) -> str:
    """What to look at before deciding."""
    asks = " and ".join(f'"{example(one, named)}"' for one in ("waiting", "like_cases"))
    return f"I did nothing; that is for you to decide. What helps to decide is {asks}."


def told(results: Sequence[CallResult]) -> str:
    """The answer, once everything has been looked up or done."""
    return "\n".join(one for one in (_one(result) for result in results) if one) or EMPTY


def _one(result: CallResult) -> str:
    error = (result.error or "no reason was given").strip().rstrip(".")[:LONGEST_ERROR]
    others = ("waiting", "help") if "answer" in result.call.arguments else ("find_runs", "waiting")
    asks = " or ".join(f'"{example(one, _named(result))}"' for one in others)
    match result.state:
        case "done":
            words = result.result.get("words") if isinstance(result.result, Mapping) else None
            return words if isinstance(words, str) and words.strip() else "Done; there is nothing more to say of it."
        case "rejected":
            return f"Nothing was done: {error}."
        case "waiting":
            return "That waits for your yes or no."
        case "unknown":
            return f"Whether it was done is not known: {error}. Look before you ask again."
        case _:
            return f"That did not work: {error}. You can ask, for example: {asks}."


def _named(result: CallResult) -> dict[str, str]:
    return {
        name: value
        for name, value in result.call.arguments.items()
        if isinstance(value, str) and name in ("subject", "run", "tool")
    }
