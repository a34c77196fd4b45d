"""An event of a run's stream as a line for people. Start with `told_line`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from api.following import Told
from api.terminal import compact, line


def told_line(told: Told) -> str:
    """When, what, and what of it."""
    tell = _TELLERS.get(told.name, compact)
    return f"{line(told.data.get('at') or '', 27):27} {line(told.name, 9):9} {line(tell(told.data), 300)}"


def _status(data: dict[str, Any]) -> str:
    held = f"  held by {data['held']}" if data.get("held") else ""
    return f"{data.get('status')}{held}"


def _decision(data: dict[str, Any]) -> str:
    calls = data.get("calls")
    asked = [f"{call.get('tool')} ({call.get('verdict')})" for call in calls] if isinstance(calls, list) else []
    return f"{data.get('number')}  {data.get('kind')}  {', '.join(asked)}  {data.get('reason') or ''}"


def _effect(data: dict[str, Any]) -> str:
    more = data.get("error") or ("large" if data.get("large") else compact(data.get("result", data.get("arguments"))))
    return f"{data.get('tool')}  {data.get('state')}  {more}"


def _approval(data: dict[str, Any]) -> str:
    by = f" by {data['answered_by']}" if data.get("answered_by") else ""
    return f"{data.get('approval')}  {data.get('tool') or data.get('kind')}  {data.get('state')}{by}"


def _end(data: dict[str, Any]) -> str:
    return f"{data.get('status')}  {data.get('code') or ''}  {data.get('detail') or ''}"


_TELLERS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "status": _status,
    "decision": _decision,
    "effect": _effect,
    "approval": _approval,
    "end": _end,
}
