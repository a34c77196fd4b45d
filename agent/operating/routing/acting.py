"""Orders: which of the acting tools, and with which arguments exactly. Start with `ordered`.

An order is a sentence whose head is a verb of `sentences.ACTS`; nothing else ever becomes an act, however like it is to
one. What is unclear is asked, never guessed: a call made here is still confirmed by the operator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from agent.deciders.planner_meaning import in_words
from agent.operating.routing import sending
from agent.operating.routing.approving import ONLY_POINTS, answered, reason
from agent.operating.routing.meaning import meant, stems
from agent.operating.routing.mentions import Kind
from agent.operating.routing.routes import Read, Reply, Route, Routed, Setting, filled
from agent.operating.routing.saying import cannot, example, plain, refused
from agent.operating.routing.sentences import Order, names_every, order, reasoned
from tools.types import JsonValue

TOOLS: Mapping[str, str] = {
    "approve": "answer_approval",
    "reject": "answer_approval",
    "send": "send_event",
    "settle": "settle_effect",
    "pause": "pause",
    "resume": "resume",
    "cancel": "cancel_run",
}
ONE_OF: tuple[Kind, ...] = ("subject", "tool", "type", "approval", "effect", "run")
"""An order names one of each at most."""
_EVERYTHING = re.compile(
    r"\b(?:everything|all|the (?:whole|entire) (?:system|thing)|segue|whole system|any(?:thing)?)\b"
)
_DONE = re.compile(r"\b(?:done|succeeded|successful|success|completed|executed|ok|went through|happened|worked)\b")
_FAILED = re.compile(r"\b(?:failed|failure|fail|unsuccessful|broken|did not happen|error)\b")
_OTHER_TYPE = re.compile(r"\b(?:type|event|events)\b:? (?:of type )?[\"'`]?([a-z]\w*[._/:][\w./:-]*\w)")
_EVENT = re.compile(r"\bevents?\b|\b(?:test|sample|dummy|fake|simulated?)\b")


async def ordered(read: Read, setting: Setting) -> Routed | None:
    """What an order becomes; None where the question is none."""
    found = order(read.mentions.masked("time"))
    if found.verb is None:
        if found.foreign is None:
            return None
        return Reply(text=cannot(f"I cannot {found.foreign} anything.", ("find_runs", "why_called"), read.named))
    tool = TOOLS[found.verb]
    read = replace(read, mentions=read.mentions.within(len(reasoned(read.mentions.text)[0])))
    if found.refused is None and names_every(found.rest) and tool in ("answer_approval", "settle_effect", "cancel_run"):
        return Reply(text=refused("every", example(tool, read.named)))
    if max(len(read.mentions.of(kind)) for kind in ONE_OF) > 1:
        return Reply(text=refused("several", example(tool, read.named)))
    if found.refused is not None:
        return Reply(text=refused(found.refused, example(tool, read.named)))
    routed = await _BY_TOOL[tool](read, setting, found)
    if isinstance(routed, Route) and tool not in setting.toolbox:
        return Reply(text=cannot("Your key may not do that: it lacks the scope for it.", (), read.named))
    return routed


async def _send(read: Read, setting: Setting, found: Order) -> Routed:
    mentions, names = read.mentions, setting.names
    subject = mentions.first("subject")
    is_event = _EVENT.search(found.rest) is not None or mentions.first("type") is not None
    if not is_event and not (subject and await _names_event(read, found.rest, setting)):
        return Reply(text=cannot("I can send events to Segue, and nothing else.", ("send_event",), read.named))
    other = _OTHER_TYPE.search(found.rest)
    if mentions.first("type") is None and (other is not None or mentions.first("tool") is not None):
        said = f"There is no event type {plain(other.group(1))!r}." if other else "That is a tool; I call none of them."
        return Reply(text=f"{said} I can send: {', '.join(sorted(names.event_types)[:8])}.")
    if subject is None:
        subject = read.carried.subject
    last = None if subject is None else await names.last_event(setting.tenant, subject)
    type_ = mentions.first("type") or await _event_type(found.rest, last.type if last else None, setting)
    if type_ is None:
        known = ", ".join(sorted(names.event_types)[:8])
        return Reply(text=f"I do not know which type of event you mean. There are: {known}.")
    if subject is None:
        return Reply(text=f'About whom is the event? Say for example: "{example("send_event", {"type": type_})}".')
    if last is None or last.type != type_:
        last = await names.last_event(setting.tenant, subject, type_) or await names.last_event(
            setting.tenant, None, type_
        )
    data = sending.data(mentions, names.schema(type_), None if last is None else last.data)
    arguments = filled(type=type_, subject=subject, data=data)
    return Route(
        tool="send_event", arguments=arguments, why=f"the order is to send an event, and {type_} is about that"
    )


async def _names_event(read: Read, words: str, setting: Setting) -> bool:
    """Whether an order to send says which event without the word."""
    if re.search(r"\b(?:simulate|pretend|trigger|emit|fire|fake|report)\b", read.masked):
        return True
    said = {*stems(words)}
    return any(len(said & {*stems(in_words(name))}) >= 2 for name in setting.names.event_types)


async def _event_type(words: str, last: str | None, setting: Setting) -> str | None:
    """The type that is meant; the one the subject's last event had counts more."""
    things = {name: kind.description for name, kind in setting.names.event_types.items()}
    found = await meant(setting.similarities, words, things)
    scores = {
        name: score + (0.15 if name == last else 0.0) + (0.15 if _about_alike(name, last, setting) else 0.0)
        for name, score in found.scores.items()
    }
    best = max(scores, key=lambda name: scores[name], default=None)
    if best is None or scores[best] < 0.2:
        return last
    return best


def _about_alike(one: str, other: str | None, setting: Setting) -> bool:
    """Whether two event types are about the same kind of subject, by the arguments their subjects are bound to."""
    kinds = [
        setting.names.event_types[name].bind if name in setting.names.event_types else {} for name in (one, other or "")
    ]
    first, second = ({name for name, path in bound.items() if path == "subject"} for bound in kinds)
    return bool(first & second)


async def _settle(read: Read, setting: Setting, found: Order) -> Routed:
    key = read.mentions.first("effect") or read.carried.effect
    done, failed = _DONE.search(found.rest), _FAILED.search(found.rest)
    if key is None:
        return Reply(
            text=cannot(
                "I can settle an effect by its key, and set nothing else.", ("settle_effect", "waiting"), read.named
            )
        )
    if (done is None) == (failed is None):
        return Reply(text=f'Say what became of it: "settle effect {key} as done" or "... as failed".')
    arguments = filled(key=key, state="done" if done else "failed", reason=reason(read))
    return Route(tool="settle_effect", arguments=arguments, why="the order is to say what became of an effect")


async def _pause(read: Read, setting: Setting, found: Order) -> Routed:
    tool = TOOLS[found.verb or ""]
    mentions = read.mentions
    if mentions.first("subject") is not None:
        why = (
            "I cannot do that for one subject: I call none of the company's tools, and pause a tool for "
            "everybody or not at all."
        )
        return Reply(text=cannot(why, ("pause", "send_event", "cancel_run"), read.named))
    stated = reason(read) if tool == "pause" else None
    scope, name = "everything", None
    if mentions.first("tool") is not None:
        scope, name = "tool", (mentions.first("tool") or "").split("[")[0]
    elif mentions.first("type") is not None:
        scope, name = "event_type", mentions.first("type")
    elif not _EVERYTHING.search(found.rest):
        if ONLY_POINTS.fullmatch(found.rest) and read.carried.tool:
            scope, name = "tool", read.carried.tool.split("[")[0]
        else:
            meaning = await _tool_or_type(found.rest, setting)
            if isinstance(meaning, Reply):
                return meaning
            scope, name = meaning
    return Route(tool=tool, arguments=filled(scope=scope, name=name, reason=stated), why=f"the order is to {tool}")


async def _tool_or_type(words: str, setting: Setting) -> tuple[str, str] | Reply:
    names = setting.names
    things = {name: tool.description for name, tool in names.tools.items()}
    if re.search(r"\bevents?\b", words):
        things = {name: kind.description for name, kind in names.event_types.items()}
    found = await meant(setting.similarities, words, things)
    if found.best is None:
        known = ", ".join(sorted(things)[:8])
        return Reply(text=f'I do not know what is to be paused or resumed. Say "everything", or one of: {known}.')
    if len(found.near) > 1:
        return Reply(text=f"I am not sure which you mean. Do you mean {found.near[0]!r} or {found.near[1]!r}?")
    return ("event_type" if found.best in names.event_types else "tool"), found.best


async def _cancel(read: Read, setting: Setting, found: Order) -> Routed:
    run, subject = read.mentions.first("run"), read.mentions.first("subject")
    if run is None and subject is None and (ONLY_POINTS.fullmatch(found.rest)):
        run = read.carried.run
        subject = read.carried.subject if run is None else None
    about_run = re.search(r"\bruns?\b", found.rest) or ONLY_POINTS.fullmatch(found.rest)
    if (run is None and subject is None) or not about_run:
        return Reply(text=cannot("I can cancel a run, and nothing else.", ("cancel_run", "find_runs"), read.named))
    arguments: dict[str, JsonValue] = filled(run=run, subject=None if run else subject)
    return Route(tool="cancel_run", arguments=arguments, why="the order is to cancel a run")


_BY_TOOL = {
    "answer_approval": answered,
    "send_event": _send,
    "settle_effect": _settle,
    "pause": _pause,
    "resume": _pause,
    "cancel_run": _cancel,
}
