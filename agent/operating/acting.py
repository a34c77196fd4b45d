"""What operators do to effects, runs, tools and event types, each once it is confirmed.

Start with `propose_settlement`; after each proposal stands what carries it out.
"""

from __future__ import annotations

from typing import Literal

from agent.errors import NotFound
from agent.operating import asked
from agent.operating.types import Asker, Card, Found, Proposal
from agent.operating.wording import exact, number, plain, said, when
from agent.portfolio.mistakes import suggest
from agent.service import Segue
from agent.store.chat_queries import RunSearch
from agent.store.pauses import Scope
from agent.store.queries import Shown
from agent.store.runs import OPEN
from tools.errors import ToolError
from tools.types import JsonObject

SCOPES: dict[str, Scope] = {"everything": "all", "tool": "tool", "event_type": "event"}
MOST = 20


async def propose_settlement(segue: Segue, asker: Asker, arguments: JsonObject) -> Proposal:
    """What it means to say that an unknown effect happened, or did not."""
    state = asked.one_of(arguments, "state", ("done", "failed"))
    effect = await _unknown(segue, asker, asked.needed(arguments, "key", "the key of an unknown effect"))
    reason = asked.text(arguments, "reason")
    call = f"{plain(effect['tool'])} {exact(effect['arguments'])} for {plain(effect['subject'])}"
    then = "it is not called again for this" if state == "done" else "the same call may be made again"
    exactly: JsonObject = {
        "key": effect["key"],
        "state": state,
        "reason": reason,
        "run": effect["run"],
        "tool": effect["tool"],
        "arguments": effect["arguments"],
    }
    return Proposal(
        tool="settle_effect",
        arguments=exactly,
        title=f"Settle as {state}: {call}",
        consequence=f"{call} counts as {state}, {then}, and run {effect['run']} goes on. Nothing is sent to the tool.",
        cards=(Card(kind="effect", id=effect["key"], title=call, detail={"run": effect["run"]}),),
    )


async def _unknown(segue: Segue, asker: Asker, key: str) -> Shown:
    """The effect that is still unknown. Raises `ToolError`, naming those that are."""
    try:
        effect = await segue.desk.effect(asker.tenant, key)
    except NotFound as error:
        others = (await segue.effects(asker.tenant, "unknown", None, 5)).items
        keys = ", ".join(f"{one['key']} ({plain(one['tool'])} for {plain(one['subject'])})" for one in others)
        raise ToolError(f"{error}. {f'Unknown effects: {keys}.' if keys else 'No effect is unknown.'}") from None
    if effect["state"] != "unknown":
        settled = effect.get("settled")
        by = f"; {plain(settled['by'])} settled it" if settled else ""
        raise ToolError(f"effect {key} is {effect['state']}, so there is nothing to settle{by}")
    return effect


async def settle_effect(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Say what became of it. Raises `ToolError` or `Conflict` where somebody has."""
    asked.permit(asker, "steer")
    effect = await _unknown(segue, asker, str(arguments["key"]))
    state: Literal["done", "failed"] = "done" if arguments["state"] == "done" else "failed"
    reason = asked.text(arguments, "reason")
    key, run = str(effect["key"]), str(effect["run"])
    await segue.settle(asker.tenant, key, state=state, result=None, reason=reason, by=asker.name)
    return Found(
        data={"key": key, "state": state, "run": run},
        words=f"Settled by {plain(asker.name)} as {state}: {plain(effect['tool'])} (effect {key}); run {run} goes on.",
        cards=(Card(kind="run", id=run, title=f"{plain(effect['tool'])} settled as {state}"),),
        suggestions=(f"explain run {run}", "what is waiting for me?"),
    )


async def propose_pause(segue: Segue, asker: Asker, arguments: JsonObject) -> Proposal:
    """What would be held back."""
    word, scope, name = _scope(segue, arguments, known=True)
    standing, _ = await segue.desk.pause(asker.tenant, scope, name)
    if standing is not None:
        since = when(standing.since, segue.desk.now())
        raise ToolError(f"{_what(word, name)} is paused already by {plain(standing.by)}, {since}")
    reason = asked.text(arguments, "reason")
    held = {
        "everything": "no run is started and no further call begins",
        "tool": f"no further call of {plain(name)} begins; a run that is about to call it waits",
        "event_type": f"runs of {plain(name)} wait in the queue; its events are still accepted",
    }
    return Proposal(
        tool="pause",
        arguments={"scope": word, "name": name or None, "reason": reason},
        title=f"Pause {_what(word, name)}",
        consequence=f"Until it is resumed {held[word]}. Calls in flight are not cut off.",
        cards=(Card(kind="tool", id=name, title=f"pause {plain(name)}"),) if word == "tool" else (),
    )


def _scope(segue: Segue, arguments: JsonObject, *, known: bool) -> tuple[str, Scope, str]:
    """The scope as operators and as the store name it, and whose name it is."""
    word = asked.one_of(arguments, "scope", SCOPES)
    name = asked.text(arguments, "name")
    if word == "everything":
        if name is not None:
            raise ToolError(f"everything has no name, and {plain(name)!r} was given. Right: scope tool or event_type.")
        return word, SCOPES[word], ""
    if name is None:
        raise ToolError(f"name is missing. Right: the name of the {word.replace('_', ' ')}.")
    if known and word == "tool":
        name = asked.base_of(asked.known_tool(segue, name))
    elif known and name not in segue.portfolio.events:
        hint = suggest(plain(name), segue.portfolio.events, "The portfolio has no event types.")
        raise ToolError(f"there is no event type {plain(name)!r}. {hint}")
    return word, SCOPES[word], name


def _what(word: str, name: str) -> str:
    return word if word == "everything" else f"{word.replace('_', ' ')} {plain(name)}"


async def pause(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Hold it back. Raises `ToolError` where it is paused by now."""
    asked.permit(asker, "steer")
    word, scope, name = _scope(segue, arguments, known=False)
    reason = asked.text(arguments, "reason")
    standing, _ = await segue.desk.pause(asker.tenant, scope, name)
    if standing is not None:
        raise ToolError(f"{_what(word, name)} is paused already by {plain(standing.by)}")
    shown = await segue.pauses.pause(asker.tenant, scope, name, by=asker.name, reason=reason)
    return Found(
        data={**shown, "scope": word},
        words=f"Paused by {plain(asker.name)}: {_what(word, name)}{f', saying {said(reason)}' if reason else ''}.",
        suggestions=(f"resume {_what(word, name)}", "what is waiting for me?"),
    )


async def propose_resume(segue: Segue, asker: Asker, arguments: JsonObject) -> Proposal:
    """Which pause would end, and how many runs go on."""
    word, scope, name = _scope(segue, arguments, known=False)
    standing, held = await segue.desk.pause(asker.tenant, scope, name)
    if standing is None:
        others = [_paused(one) for one in await segue.pauses.list(asker.tenant)]
        hint = f"Paused: {', '.join(others)}." if others else "Nothing is paused."
        raise ToolError(f"{_what(word, name)} is not paused. {hint}")
    since = when(standing.since, segue.desk.now())
    why = f", saying {said(standing.reason)}" if standing.reason else ""
    return Proposal(
        tool="resume",
        arguments={"scope": word, "name": name or None},
        title=f"Resume {_what(word, name)}",
        consequence=(
            f"The pause by {plain(standing.by)}, {since}{why}, ends; {number(held, 'queued run')} that it holds "
            "may go on at once."
        ),
    )


def _paused(one: Shown) -> str:
    words = {scope: word for word, scope in SCOPES.items()}
    return _what(words[one["scope"]], one["name"] or "")


async def resume(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """End the pause. Raises `ToolError` where it has ended."""
    asked.permit(asker, "steer")
    word, scope, name = _scope(segue, arguments, known=False)
    shown = await segue.pauses.resume(asker.tenant, scope, name, by=asker.name)
    if not shown["resumed"]:
        raise ToolError(f"{_what(word, name)} is not paused any more")
    return Found(
        data={**shown, "scope": word},
        words=f"Resumed by {plain(asker.name)}: {_what(word, name)}; {number(shown['released'], 'run')} released.",
        suggestions=("what is waiting for me?", "figures of today"),
    )


async def propose_cancel(segue: Segue, asker: Asker, arguments: JsonObject) -> Proposal:
    """The one open run that is meant, and what stays done of it."""
    run = await _open_run(segue, asker, arguments)
    done = [one for one in run["effects"] if one["state"] == "done"]
    going = [one for one in run["effects"] if one["state"] == "claimed"]
    event = run["event"]
    stays = (
        f"what it did stays done ({', '.join(plain(one['tool']) for one in done[:5])})"
        if done
        else "it did nothing yet"
    )
    flight = f"; {number(len(going), 'call')} in flight {'ends' if len(going) == 1 else 'end'} first" if going else ""
    about = f"{plain(event['type'])} about {plain(event['subject'])}"
    return Proposal(
        tool="cancel_run",
        arguments={"run": run["id"]},
        title=f"Cancel run {run['id']}: {about}",
        consequence=f"Run {run['id']} ({about}, {run['status']}) begins no effect any more; {stays}{flight}.",
        cards=(Card(kind="run", id=run["id"], title=about, detail={"status": run["status"]}),),
    )


async def _open_run(segue: Segue, asker: Asker, arguments: JsonObject) -> Shown:
    name = asked.id_(arguments, "run")
    if name is not None:
        run = await segue.run(asker.tenant, name)
        _check_open(run)
        return run
    subject = await asked.known_subject(segue, asker, asked.needed(arguments, "subject", "a run's id or its subject"))
    found = [
        one
        for status in OPEN
        for one in (await segue.desk.runs(asker.tenant, RunSearch(subject=subject, status=status), MOST)).items
        if one["cancelled_by"] is None
    ]
    if not found:
        raise ToolError(f"no run about {plain(subject)} is open, so there is nothing to cancel")
    if len(found) > 1:
        told = ", ".join(f"{one['id']} ({plain(one['event']['type'])}, {one['status']})" for one in found[:5])
        raise ToolError(f"{number(len(found), 'run')} about {plain(subject)} are open: say which. Open: {told}")
    return found[0]


def _check_open(run: Shown) -> None:
    if run["cancelled_by"] is not None:
        raise ToolError(f"run {run['id']} was cancelled already by {plain(run['cancelled_by'])}")
    if run["status"] not in OPEN:
        raise ToolError(f"run {run['id']} has already ended: {run['status']}")


async def cancel_run(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Begin no effect of it any more. Raises `ToolError` or `Conflict` where it has ended or was cancelled."""
    asked.permit(asker, "steer")
    name = str(arguments["run"])
    _check_open(await segue.run(asker.tenant, name))
    shown = await segue.cancel(asker.tenant, name, by=asker.name)
    return Found(
        data={"run": name, "status": shown["status"], "cancelled_by": asker.name},
        words=f"Cancelled by {plain(asker.name)}: run {name} begins no effect any more.",
        cards=(Card(kind="run", id=name, title="cancelled"),),
        suggestions=(f"explain run {name}", "what is waiting for me?"),
    )
