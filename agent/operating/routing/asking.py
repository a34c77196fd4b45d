"""The arguments of what is looked up, for each reading tool. Start with `FILL`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from agent.operating.routing import cues
from agent.operating.routing.meaning import meant
from agent.operating.routing.routes import Read, Setting, filled
from tools.types import JsonValue

THE_TOOL = re.compile(r"\bthe (?!tool)[\w-]+ tool\b")
"""`the refund tool`."""

Arguments = Mapping[str, JsonValue]
Fill = Callable[[Read, Setting], Awaitable[Arguments | None]]
"""None: what must be known for it is not."""


_BY_TOOL = re.compile(
    r"\b(?:which|what) (?!tools?\b|runs?\b|events?\b)\w+ (?:had|have|has|were|was|got|received)\b|\bfor (?:whom|"
    r"which)\b"
)
_STOPS = re.compile(r"\b(?:pause|stop|block|suspend|hold|halt|cancel|close|end|freeze|disable|remove)s?\b")
_NO_MORE = re.compile(
    r"\bno(?:t|body)? .*\b(?:any ?more|any ?longer)\b|\bno longer\b|\b(?:get|gets|got|receive\w*|see\w*) no\b|"
    r"\bno \w+ for\b|\bnot (?:get|getting|receiv\w+|seeing)\b"
)


def says_it_stopped(read: Read, setting: Setting, tool: str) -> bool:
    """`why does c-1 get no mail any more`, where the tool is one that stops mail: it asks why that was called."""
    known = setting.names.tools.get(tool.split("[")[0])
    if known is None or not _NO_MORE.search(read.masked):
        return False
    return _STOPS.search(f"{known.name.replace('_', ' ')} {known.description}".lower()) is not None


async def _waiting(read: Read, setting: Setting) -> Arguments:
    return filled(subject=_subject(read))


async def _find_runs(read: Read, setting: Setting) -> Arguments:
    mentions = read.mentions
    return filled(
        subject=_subject(read),
        event_type=mentions.first("type"),
        status=cues.status(read.masked),
        tool=mentions.first("tool") or (await company_tool(read, setting) if _BY_TOOL.search(read.masked) else None),
        limit=cues.limit(read.masked),
        **window(read),
    )


async def _explain_run(read: Read, setting: Setting) -> Arguments | None:
    run = read.mentions.first("run")
    if run is None and not read.mentions.of("subject"):
        run = read.carried.run
    return None if run is None else {"run": run}


async def _why(read: Read, setting: Setting) -> Arguments | None:
    tool = await company_tool(read, setting)
    if tool is None:
        return None
    subjects = [one for one in read.mentions.of("subject") if not tool.endswith(f"={one}]")]
    run = read.mentions.first("run")
    subject = subjects[0] if subjects else None
    if subject is None and run is None and await _may_be_about(tool, read.carried.subject, setting):
        subject = read.carried.subject
    return filled(tool=tool, subject=subject, run=run, **window(read))


async def _may_be_about(tool: str, subject: str | None, setting: Setting) -> bool:
    """Whether a tool is allowed for what last happened with a subject: else the question is about another one."""
    last = None if subject is None else await setting.names.last_event(setting.tenant, subject)
    kind = None if last is None else setting.names.event_types.get(last.type)
    return kind is not None and tool.split("[")[0] in kind.allow


async def _like_cases(read: Read, setting: Setting) -> Arguments:
    run, subject = read.mentions.first("run"), read.mentions.first("subject")
    if run is None and subject is None:
        run = read.carried.run
        subject = read.carried.subject if run is None else None
    return filled(run=run, subject=subject)


async def _tool_figures(read: Read, setting: Setting) -> Arguments:
    tool = read.mentions.first("tool")
    if tool is None and (THE_TOOL.search(read.masked) or not re.search(r"\btools?\b", read.masked)):
        tool = await company_tool(read, setting)
    return filled(order_by=cues.order_by(read.masked), tool=tool, **window(read))


async def _tools(read: Read, setting: Setting) -> Arguments:
    words = {*re.findall(r"[\w-]+", read.mentions.text.lower())}
    tool = await company_tool(read, setting) if THE_TOOL.search(read.masked) else read.mentions.first("tool")
    unit = next((one for one in setting.names.units if one.lower() in words), None)
    step = next((one for one in setting.names.steps if one.lower() in words), None)
    return filled(tool=tool, unit=None if tool else unit, step=None if tool or unit else step)


async def _window(read: Read, setting: Setting) -> Arguments:
    return window(read)


async def _nothing(read: Read, setting: Setting) -> Arguments:
    return {}


FILL: Mapping[str, Fill] = {
    "waiting": _waiting,
    "find_runs": _find_runs,
    "explain_run": _explain_run,
    "why_called": _why,
    "why_not": _why,
    "like_cases": _like_cases,
    "tool_figures": _tool_figures,
    "tools": _tools,
    "learned": _window,
    "figures": _window,
    "help": _nothing,
}


def window(read: Read) -> dict[str, JsonValue]:
    """`since` and `until`."""
    return filled(since=_iso(read.mentions.since), until=_iso(read.mentions.until))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _subject(read: Read) -> str | None:
    named = read.mentions.first("subject")
    if named is None and cues.PRONOUN.search(read.masked):
        return read.carried.subject
    return named


async def company_tool(read: Read, setting: Setting) -> str | None:
    """The company's tool a question is about: named, else meant, else the last one that was named."""
    named = read.mentions.first("tool")
    if named is not None:
        return named
    things = {name: tool.description for name, tool in setting.names.tools.items()}
    found = await meant(setting.similarities, read.masked, things)
    return await _chosen(read, setting, found.best) or found.best or read.carried.tool


async def _chosen(read: Read, setting: Setting, tool: str | None) -> str | None:
    """`why did you not order from B`, `why was B not used`: an action by the bare value of what is chosen."""
    for choice in setting.names.choices():
        if tool not in (None, choice.tool):
            continue
        for value in await setting.names.values(setting.tenant, choice):
            from_it = rf"\b(?:from|at|by|with|using|via|to|use|used|take|took|choose|chose) {re.escape(value)}(?![\w-])"
            if value in read.mentions.of("subject") or re.search(from_it, read.mentions.text):
                return await setting.names.action(setting.tenant, choice, value)
    return None
