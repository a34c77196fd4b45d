"""How something ended that waited for a person: who said what, and when. Start with `words_of`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agent.operating.wording import exact
from agent.store.pauses import Pause
from agent.store.queries import Shown
from agent.store.waits import WaitKind
from api.console.words import ago, at, moment_of
from api.terminal import line
from tools.types import JsonValue

WAITING = frozenset({"pending", "unknown", "open"})
"""States of what nobody has answered."""
SEGUE = "segue"
"""Who turns down what nobody answered before its run ended."""


def words_of(kind: WaitKind, row: Shown, run: Shown, now: datetime, shown: Shown | None = None) -> str | None:
    """What became of it; None while it waits. `shown` is what somebody saw of it while it did."""
    if row["state"] in WAITING:
        return None
    if kind == "effect":
        return _effect(row, now)
    if kind == "letter":
        return _letter(row, now)
    return _answered(row, run, now, shown)


def _answered(row: Shown, run: Shown, now: datetime, shown: Shown | None) -> str:
    by, when = _by(row["answered_by"]), _when(row["answered_at"], now)
    if row["answered_by"] == SEGUE:
        return f"Segue closed it {when}: {line(row['reason'] or 'the run ended', 300)}."
    if row["state"] == "rejected":
        return f"{by} said no {when}{_saying(row['reason'])}."
    if row["kind"] == "question":
        decision = next((one for one in run["decisions"] if one["number"] == row["decision"]), None)
        made = [] if decision is None else decision["calls"]
        chosen = [one for one in made if one["decided_by"] == "operator" and one["verdict"] == "permitted"]
        told = " and ".join(_call(one["tool"], one["arguments"]) for one in chosen)
        return f"{by} chose {told or 'nothing'} {when}{_saying(row['reason'])}."
    changed = shown is not None and shown["arguments"] != row["arguments"]
    told = f" with other arguments: {exact(row['arguments'])}" if changed else ""
    return f"{by} approved it {when}{told}{_saying(row['reason'])}."


def _effect(row: Shown, now: datetime) -> str:
    settled: Any = row.get("settled")
    what = "it happened" if row["state"] == "done" else "it did not happen"
    if settled is None:
        return f"It is {line(row['state'], 20)} by now."
    return f"{_by(settled['by'])} settled it {_when(row['ended_at'], now)}: {what}{_saying(settled['reason'])}."


def _letter(row: Shown, now: datetime) -> str:
    acts: list[Any] = [one for one in row.get("history", ()) if "state" in one]
    reason = acts[-1].get("reason") if acts else None
    if row["state"] == "discarded":
        return f"{_by(row['changed_by'])} discarded it {_when(row['changed_at'], now)}{_saying(reason)}."
    if row["changed_by"] is None:
        return f"It is {line(row['state'], 20)} by now."
    return f"{_by(row['changed_by'])} had the run handled again {_when(row['changed_at'], now)}."


def pause_ended(shown: Shown, standing: Pause | None) -> str | None:
    """Who ended a pause is not kept."""
    if standing is None:
        return "Somebody ended this pause, and the runs it held go on."
    if standing.since != shown["since"]:
        return f"This pause was ended, and {line(standing.by, 80)} began another one since."
    return None


def _call(tool: str, arguments: JsonValue) -> str:
    return f"{line(tool, 80)} {exact(arguments)}"


def _by(name: str | None) -> str:
    return line(name or "somebody", 80)


def _when(moment: str | None, now: datetime) -> str:
    if moment is None:
        return "at an unknown time"
    return f"{ago(moment_of(moment), now)} ({at(moment_of(moment))})"


def _saying(reason: str | None) -> str:
    return f", saying: {line(reason, 500)}" if reason else ""
