"""Orders to approve or reject: which of the approvals that wait, and up to what. Start with `answered`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.deciders.planner_meaning import tool_text
from agent.operating.routing.meaning import meant, stem, stems
from agent.operating.routing.mentions import COMMON, KINDS
from agent.operating.routing.routes import Read, Reply, Route, Routed, Setting, filled
from agent.operating.routing.saying import example, plain
from agent.operating.routing.sentences import Order, reasoned
from agent.store.naming import Asks

_LIMIT = re.compile(
    r"\b(?:up to|at most|at max|max|maximum|no more than|not more than|not above|limit|limited|cap|capped|tops|below|"
    r"under)\b"
)
_SUM = re.compile(
    r"\b(?:of|for|over|the|a) ?[€$£]? ?(\d{1,9}(?:\.\d{1,2})?) ?(?:€|\$|£|euros?|eur|usd|dollars?|gbp|chf)?(?![\w.-])"
)
ONLY_POINTS = re.compile(
    r"(?:\b(?:it|this|that|them|the|one|request|call|approval|pending|open|question|x|for|of|from|to|customer|machine|approved|"
    r"please|now|run|with|and|by|id|last|then|thanks|thank you|payment|action|is)\b|[^\w])*"
)
"""Says nothing of what is meant, but that something is."""
_WHOM = re.compile(
    r"\b(?:for|of|to|from) (?:(?:the|our|my|an?|this|that|customer|client|machine|mr|mrs|ms)\.? "
    r")*([^\W\d_][\w-]*)|([^\W\d_][\w-]*)'s\b"
)


@dataclass(frozen=True, kw_only=True)
class _Which:
    """What an order says of the approval it is about."""

    approval: str | None = None
    subject: str | None = None
    tool: str | None = None


async def answered(read: Read, setting: Setting, found: Order) -> Routed:
    """The call that answers an approval, or what is missing for it."""
    limit = read.mentions.at_most
    total = _SUM.search(found.rest)
    if limit is None and total is not None:
        limit = float(total.group(1))
    what = _SUM.sub(" ", found.rest, count=1)
    if (limit is None and _LIMIT.search(found.rest)) or re.search(r"(?<![\w-])[\d€$£]", what):
        return Reply(text="I cannot read up to which amount. Write it as one number, for example: up to 50.")
    which = await _which(read, setting, what)
    if isinstance(which, str):
        return Reply(text=await _those(setting, which))
    arguments = filled(
        approval=which.approval,
        subject=None if which.approval else which.subject,
        tool=None if which.approval else which.tool,
        answer="approve" if found.verb == "approve" else "reject",
        at_most=limit if found.verb == "approve" else None,
        reason=reason(read),
    )
    why = f"the order is to {found.verb} what waits for an answer"
    return Route(tool="answer_approval", arguments=arguments, why=why)


async def _which(read: Read, setting: Setting, what: str) -> _Which | str:
    """Which approval is meant, or why nobody can say."""
    mentions, carried = read.mentions, read.carried
    subject, approval, tool = mentions.first("subject"), mentions.first("approval"), mentions.first("tool")
    run = mentions.first("run")
    if approval is not None:
        return _Which(approval=approval)
    if run is not None:
        return _only(
            await setting.names.pending(setting.tenant, run), f"Not exactly one approval waits in the run {run}."
        )
    stranger = None if subject else _stranger(what, setting)
    if stranger is not None:
        return f"I know nobody called {plain(stranger)!r}."
    only_points = ONLY_POINTS.fullmatch(what) is not None
    if tool is None and not only_points:
        tool = await _asked_tool(what, setting)
        if tool is None:
            return "I do not know what that is, or it waits for nobody."
    if subject is None and tool is None and carried.approval is not None:
        return _Which(approval=carried.approval)
    subject = subject or carried.subject
    if subject or tool:
        return _Which(subject=subject, tool=tool)
    return _only(await setting.names.pending(setting.tenant), "I do not know which one.")


def _only(pending: list[Asks], otherwise: str) -> _Which | str:
    return _Which(approval=pending[0].id) if len(pending) == 1 else otherwise


def reason(read: Read) -> str | None:
    """Why an order is given, in the operator's own letters."""
    said = reasoned(read.mentions.text)[1]
    return None if said is None else said.strip('"') or None


def _stranger(rest: str, setting: Setting) -> str | None:
    """Whom an order is about, where that is nobody who is known and no word for what the tools do."""
    known = {one for tool in setting.names.tools.values() for one in stems(tool_text(tool))}
    for match in _WHOM.finditer(rest):
        word = match.group(1) or match.group(2)
        if word not in COMMON | KINDS | setting.names.kinds | {"x"} and stem(word) not in known:
            return word
    return None


async def _asked_tool(what: str, setting: Setting) -> str | None:
    """The tool whose call is to be approved, of those that wait first."""
    pending = {one.tool for one in await setting.names.pending(setting.tenant) if one.tool is not None}
    tools = setting.names.tools
    for names in (pending & tools.keys(), tools.keys()):
        found = await meant(setting.similarities, what, {name: tools[name].description for name in sorted(names)})
        if found.best is not None:
            return found.best
    return None


async def _those(setting: Setting, why: str) -> str:
    """Why, and what waits."""
    pending = await setting.names.pending(setting.tenant)
    if not pending:
        return f'{why} Nothing waits for an answer at the moment; ask "what is waiting for me" to see it.'
    shown = "; ".join(f"{one.tool or 'a question'} for {plain(one.subject)} (approval {one.id})" for one in pending[:5])
    asks = example("answer_approval", {"risky": pending[0].tool or "it", "subject": pending[0].subject})
    return f'{why} These wait: {shown}. Say for example: "{asks}".'
