"""Answers an approval or a question for an operator, once it is confirmed. Start with `propose_answer`.

The confirmation is bound to the approval's exact arguments by their hash: where they are others by then, or somebody
has answered, nothing is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.canonical import digest
from agent.operating import asked
from agent.operating.types import Asker, Card, Found, Proposal
from agent.operating.wording import exact, number, plain, said, when
from agent.service import GivenAnswer, Segue
from agent.store.queries import Shown
from tools.errors import ToolError
from tools.types import JsonObject, JsonValue

TOOL = "answer_approval"
ANSWERS = ("approve", "reject")
MOST = 20
_AMOUNT = re.compile(r"[^\d\s.,+-]{0,4}\s*([+-]?\d[\d,]*(?:\.\d+)?)\s*[^\d\s.,+-]{0,4}\Z")


async def propose_answer(segue: Segue, asker: Asker, arguments: JsonObject) -> Proposal:
    """The one approval that is meant, and what the answer would do; nothing where it asks for more than it may."""
    answer = asked.one_of(arguments, "answer", ANSWERS)
    found = await _meant(segue, asker, arguments)
    call = _call(found, asked.text(arguments, "tool"))
    most = asked.amount(arguments, "at_most")
    if answer == "approve":
        if call is None:
            raise ToolError(f"question {found['id']} offers no call to approve. Right: answer it with segue approvals.")
        if found["kind"] == "question" and found["missing"] and call == _call(found, None):
            raise ToolError(
                f"question {found['id']} lacks {', '.join(plain(one) for one in found['missing'])}, which must be "
                "given: answer it with segue approvals."
            )
        if most is not None:
            _check_amounts(found, call, most)
    reason = asked.text(arguments, "reason")
    exactly: dict[str, JsonValue] = {
        "approval": found["id"],
        "answer": answer,
        "arguments_hash": bound_to(found),
        "run": found["run"],
        "tool": None if call is None else call["tool"],
        "arguments": None if call is None else call["arguments"],
        "reason": reason,
    }
    asks = call is None or (answer == "reject" and found["kind"] == "question")
    what = said(found["question"]) if call is None or asks else f"{plain(call['tool'])} {exact(call['arguments'])}"
    return Proposal(
        tool=TOOL,
        arguments=exactly,
        title=f"{'Approve' if answer == 'approve' else 'Reject'}: {what} for {plain(found['subject'])}",
        consequence=_consequence(found, answer, what, reason),
        cards=(Card(kind="approval", id=found["id"], title=what, detail={"run": found["run"]}),),
    )


def _consequence(found: Shown, answer: str, what: str, reason: str | None) -> str:
    run, subject = found["run"], plain(found["subject"])
    if answer == "approve":
        return f"Calls {what} once, with exactly these arguments, for {subject}; then run {run} goes on."
    why = f" It is told {said(reason)}." if reason else ""
    if found["kind"] == "question":
        return f"None of the calls the question offers is made for {subject}; run {run} goes on without them.{why}"
    return f"Does not call {what} for {subject}; run {run} goes on without it.{why}"


def bound_to(approval: Shown) -> str:
    """What a confirmation is bound to: the arguments of a call; text and options of a question."""
    if approval["kind"] == "call":
        return str(approval["arguments_hash"])
    return digest([approval["question"], approval["options"], approval["missing"]])


async def _meant(segue: Segue, asker: Asker, arguments: JsonObject) -> Shown:
    """The one pending approval that fits. Raises `ToolError` where none does, or several do."""
    name = asked.id_(arguments, "approval")
    given, tool = asked.text(arguments, "subject"), asked.text(arguments, "tool")
    subject = None if given is None else await asked.known_subject(segue, asker, given)
    base = None if tool is None else asked.base_of(await asked.known_action(segue, asker, tool))
    if name is not None:
        return await _named(segue, asker, name, subject, base)
    page = await segue.desk.pending(asker.tenant, subject, base, MOST)
    about = "".join([f" for {plain(subject)}" if subject else "", f" of {plain(base)}" if base else ""])
    if not page.items:
        others = (await segue.desk.pending(asker.tenant, None, None, MOST)).items
        raise ToolError(f"no approval{about} is pending. {_pending(others) if others else 'None is pending at all.'}")
    if len(page.items) > 1:
        raise ToolError(f"{number(page.total, 'approval')}{about} are pending: say which. {_pending(page.items)}")
    only: Shown = page.items[0]
    return only


async def _named(segue: Segue, asker: Asker, name: str, subject: str | None, tool: str | None) -> Shown:
    """The approval of that id, which must not be about something else than was said beside it."""
    found = await segue.approval(asker.tenant, name)
    _check_pending(segue, found)
    run = await segue.run(asker.tenant, found["run"])
    shown = {**found, "subject": run["event"]["subject"]}
    other_tool = found["kind"] == "call" and tool not in (None, found["tool"])
    if other_tool or subject not in (None, shown["subject"]):
        raise ToolError(f"approval {name} is something else: {_asks(shown)} for {plain(shown['subject'])}")
    return shown


def _pending(found: Sequence[Shown]) -> str:
    told = [f"{one['id']}: {_asks(one)} for {plain(one['subject'])}" for one in found[:5]]
    more = f", and {len(found) - 5} more" if len(found) > 5 else ""
    return f"Pending: {'; '.join(told)}{more}."


def _asks(one: Shown) -> str:
    return (
        said(one["question"], 80)
        if one["kind"] == "question"
        else f"{plain(one['tool'])} {exact(one['arguments'], 200)}"
    )


def _check_pending(segue: Segue, found: Shown) -> None:
    if found["state"] != "pending":
        by, at = plain(found["answered_by"]), when(found["answered_at"], segue.desk.now())
        raise ToolError(f"approval {found['id']} was already {found['state']} by {by}, {at}")


def _call(found: Shown, wanted: str | None) -> Shown | None:
    """The call that a yes would make: of a question the option that is named, else the first."""
    if found["kind"] == "call":
        return {"tool": found["tool"], "arguments": found["arguments"]}
    options: list[Shown] = found["options"]
    named = [one for one in options if wanted in (one["tool"], one["action"])]
    if wanted is not None and options and not named:
        told = ", ".join(plain(one["action"]) for one in options)
        raise ToolError(f"question {found['id']} does not offer {plain(wanted)!r}. Right: {told}.")
    one = next(iter(named or options), None)
    return None if one is None else {"tool": one["tool"], "arguments": one["arguments"]}


def _check_amounts(found: Shown, call: Shown, most: float) -> None:
    """Raises `ToolError` where a number of the arguments is above the limit, or there is none to compare with it."""
    amounts = list(numbers(call["arguments"])) or list(_written(call["arguments"], str(found["subject"])))
    asks = f"approval {found['id']} asks for {plain(call['tool'])} {exact(call['arguments'], 400)}"
    if not amounts:
        raise ToolError(
            f"{asks}, in which no number can be compared with {most:g}. Approve it without a limit, or not."
        )
    above = [f"{plain(name)} is {value:g}" for name, value in amounts if not value <= most]
    if above:
        raise ToolError(
            f"{asks}: {', '.join(above)}, more than {most:g}. It is not proposed; approve it without a "
            "limit, or with another amount in the inbox of the console."
        )


def numbers(value: JsonValue, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number in the arguments, with where it stands."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield path, float(value)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from numbers(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from numbers(item, f"{path}[{index}]")


def _written(value: Mapping[str, Any], subject: str) -> Iterator[tuple[str, float]]:
    """Amounts that are given as texts (`80.00 EUR`), for tools that want them so; the subject is none."""
    for name, item in value.items():
        match = _AMOUNT.match(item) if isinstance(item, str) and item != subject and len(item) < 40 else None
        if match is not None:
            yield name, float(match[1].replace(",", ""))


async def answer_approval(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Give the confirmed answer. Raises `ToolError` where it was answered, or asks for something else by now."""
    asked.permit(asker, "approve")
    name = str(arguments["approval"])
    found = await segue.approval(asker.tenant, name)
    _check_pending(segue, found)
    if bound_to(found) != arguments["arguments_hash"]:
        raise ToolError(
            f"approval {name} asks for something else by now: {_asks(found)}. It was not answered; ask again."
        )
    approved, reason = arguments["answer"] == "approve", arguments.get("reason")
    given = GivenAnswer(
        approved=approved,
        tool=str(arguments["tool"]) if approved and found["kind"] == "question" else None,
        arguments=_object(arguments["arguments"]) if approved else None,
        reason=None if reason is None else str(reason),
        by=asker.name,
    )
    await segue.answer(asker.tenant, name, given)
    run, done = str(found["run"]), "Approved" if approved else "Rejected"
    what = plain(arguments["tool"]) if arguments.get("tool") else "the question"
    goes_on = f"it is called, and run {run} goes on" if approved else f"it is not called, and run {run} goes on"
    return Found(
        data={"approval": name, "state": "approved" if approved else "rejected", "run": run},
        words=f"{done} by {plain(asker.name)}: {what} (approval {name}); {goes_on}.",
        cards=(Card(kind="run", id=run, title=f"{done} {what}"),),
        suggestions=(f"explain run {run}", "what is waiting for me?"),
    )


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, Mapping):
        raise ToolError("the confirmed call has no arguments; ask again")
    return value
