"""A chat model's answer as a Decision. Start with `read_decision`; `candidates` says what was weighed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage

from agent.actions import action_name
from agent.deciders.chat_functions import ask_name
from agent.deciders.chat_wire import NO_OBJECT
from agent.types import Call, CallResult, Candidate, DeciderError, Decision, Question, Situation
from memory.scoring import score
from memory.settings import Settings
from tools.arguments import MAX_BYTES, MAX_DEPTH
from tools.errors import shorten
from tools.jsontext import JsonError, json_text, plain_json
from tools.types import JsonObject, Tool

REASON_CHARS = 2_000
QUESTION_CHARS = 2_000
NAME_CHARS = 128


@dataclass(frozen=True, kw_only=True)
class _Misread:
    """Something the model asked for that is no call."""

    tool: str
    error: str


def read_decision(message: AIMessage, situation: Situation, *, decided_by: str, settings: Settings) -> Decision | None:
    """What the answer decides; None for an answer that says nothing.

    Raises `DeciderError` with `model_cut_off` or `model_refused`. When every call is unreadable the decision is to
    `act` with no calls: each is in `refused`, and the model learns why at its next turn.
    """
    _check_ending(message)
    asked, calls, misread = _sort(message, situation)
    text = _said(message)
    question = None if calls or not asked else _question(asked[0], situation)
    if isinstance(question, _Misread):
        misread, question = [*misread, question], None
    if not calls and not misread and question is None and not text:
        return None
    refused = tuple(
        CallResult(
            decision=situation.decision,
            index=len(calls) + number,
            call=Call(tool=one.tool, arguments={}, action=one.tool),
            state="refused",
            error=one.error,
            decided_by=decided_by,
        )
        for number, one in enumerate(misread)
    )
    return Decision(
        kind="ask" if question else "act" if calls or refused else "finish",
        reason=_reason(text, calls, question, dropped=len(asked) - bool(question)),
        calls=tuple(calls),
        question=question,
        candidates=candidates(calls, question, situation, settings),
        decided_by=decided_by,
        refused=refused,
    )


def candidates(
    calls: Sequence[Call], question: Question | None, situation: Situation, settings: Settings
) -> tuple[Candidate, ...]:
    """Every permitted action with what is known of it, then what the model asked for without permission."""
    chosen = {call.action: call for call in calls}
    permitted = {tool.name for tool in situation.tools}
    known = [action for action in situation.evidence if action.split("[", 1)[0] in permitted]
    weighed: dict[str, str] = {call.action: call.tool for call in calls if call.tool in permitted}
    weighed |= {action: action.split("[", 1)[0] for action in known}
    met = set(weighed.values())
    weighed |= {tool.name: tool.name for tool in situation.tools if tool.name not in met}
    options = {option.action for option in question.options} if question else set()
    found = [
        _candidate(action, tool, chosen.get(action), action in options, situation, settings)
        for action, tool in weighed.items()
    ]
    strange = {call.action: call for call in calls if call.tool not in permitted}
    return (*found, *(_unpermitted(call) for call in strange.values()))


def _check_ending(message: AIMessage) -> None:
    ending = message.response_metadata.get("finish_reason")
    refusal = message.additional_kwargs.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        raise DeciderError("model_refused", f"the model refused to answer: {shorten(refusal, 300)}")
    if ending == "content_filter":
        raise DeciderError("model_refused", "the endpoint's content filter held the answer back")
    if ending == "length":
        raise DeciderError("model_cut_off", "the answer was cut off at the endpoint's limit of tokens")


def _sort(message: AIMessage, situation: Situation) -> tuple[list[JsonObject], list[Call], list[_Misread]]:
    """Questions to the operator, calls, and what is neither."""
    ask = ask_name(situation)
    tools = {tool.name: tool for tool in situation.tools}
    asked: list[JsonObject] = []
    calls: list[Call] = []
    misread: list[_Misread] = []
    for made in message.tool_calls:
        name = shorten(made["name"], NAME_CHARS)
        arguments = _arguments(made["args"])
        if not name:
            misread.append(_Misread(tool="unnamed", error="the call names no function"))
        elif isinstance(arguments, str):
            misread.append(_Misread(tool=name, error=arguments))
        elif name == ask:
            asked.append(arguments)
        else:
            calls.append(_call(name, arguments, tools.get(name), situation))
    for broken in message.invalid_tool_calls:
        name = shorten(broken["name"] or "", NAME_CHARS) or "unnamed"
        shown = shorten((broken["args"] or "").removeprefix(NO_OBJECT), 200)
        misread.append(_Misread(tool=name, error=f"the arguments are no JSON object: {shown!r}. Give an object."))
    return asked, calls, misread


def _arguments(arguments: Mapping[str, object]) -> JsonObject | str:
    """The arguments as plain JSON, or what is wrong with them."""
    try:
        plain = plain_json(arguments, max_depth=MAX_DEPTH)
    except JsonError as error:
        return f"the arguments cannot be used: {shorten(str(error), 300)}"
    if not isinstance(plain, dict):
        return "the arguments are no JSON object"
    if len(json_text(plain)) > MAX_BYTES:
        return f"the arguments are {len(json_text(plain))} bytes of JSON; at most {MAX_BYTES} are taken"
    return plain


def _call(name: str, arguments: JsonObject, tool: Tool | None, situation: Situation) -> Call:
    if tool is None:
        return Call(tool=name, arguments=arguments, action=name)
    properties = tool.parameters.get("properties")
    names = properties if isinstance(properties, Mapping) else {}
    bound = {name: value for name, value in situation.bound.items() if name in names}
    served = [purpose.text for purpose in situation.playbook or () if purpose.step == tool.governance.step]
    return Call(
        tool=name,
        arguments=arguments,
        action=action_name(tool, {**bound, **arguments}),
        purpose=served[0] if len(served) == 1 else None,
    )


def _question(asked: JsonObject, situation: Situation) -> Question | _Misread:
    text = asked.get("question")
    if not isinstance(text, str) or not text.strip():
        return _Misread(tool=ask_name(situation), error="'question' is missing. Say in words what is to be decided.")
    shown = shorten(text, QUESTION_CHARS)
    tool = next((tool for tool in situation.tools if tool.name == asked.get("tool")), None)
    if tool is None:
        return Question(text=shown)
    given = asked.get("arguments")
    option = _call(tool.name, given if isinstance(given, Mapping) else {}, tool, situation)
    required = tool.parameters.get("required")
    names = required if isinstance(required, list | tuple) else ()
    missing = [str(name) for name in names if name not in option.arguments and name not in situation.bound]
    return Question(text=shown, options=(option,), missing=tuple(missing))


def _said(message: AIMessage) -> str:
    """The answer's text, without the thoughts some models put before it."""
    text = str(message.text).strip()
    if text.startswith("<think>"):
        thoughts, closed, rest = text.partition("</think>")
        text = rest if closed else thoughts.removeprefix("<think>")
    return shorten(text.strip(), REASON_CHARS)


def _reason(text: str, calls: Sequence[Call], question: Question | None, *, dropped: int) -> str:
    if not text and question:
        text = "The model asks an operator."
    if not text and calls:
        text = f"The model called {', '.join(dict.fromkeys(call.tool for call in calls))} and gave no reason."
    if not text:
        text = "None of the calls the model asked for could be read."
    if dropped > 0:
        beside = "the other calls" if calls else "the first question"
        text += f" (A question to the operator was dropped: it stood beside {beside}.)"
    return text


def _candidate(
    action: str, tool: str, call: Call | None, offered: bool, situation: Situation, settings: Settings
) -> Candidate:
    said = situation.evidence.get(action)
    prior = 1.0 if call else 0.0
    why_not = "the operator is asked first" if offered else "not chosen by the model"
    return Candidate(
        action=action,
        tool=tool,
        purpose=call.purpose if call else None,
        permitted=True,
        prior=prior,
        success=said.success if said else 0.0,
        failure=said.failure if said else 0.0,
        episodes=said.episodes if said else (),
        score=score(prior, said, settings),
        chosen=call is not None,
        why_not=None if call else why_not,
    )


def _unpermitted(call: Call) -> Candidate:
    return Candidate(
        action=call.action,
        tool=call.tool,
        purpose=None,
        permitted=False,
        prior=1.0,
        success=0.0,
        failure=0.0,
        episodes=(),
        score=0.0,
        chosen=False,
        why_not="the model asked for it, but it is not permitted for this event type",
    )
