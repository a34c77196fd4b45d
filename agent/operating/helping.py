"""What the chat can do for whoever asks. Start with `helping`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.operating.types import Asker, Found, OperatorTool, Reads
from agent.operating.wording import lines, plain
from agent.service import Segue
from tools.types import JsonObject

EXAMPLES: Mapping[str, str] = {
    "waiting": "what is waiting for me?",
    "find_runs": "what happened with customer c-1 today?",
    "explain_run": "explain run RUN",
    "why_called": "why was marketing paused for c-1?",
    "why_not": "why was supplier B not used?",
    "like_cases": "how did like cases end?",
    "tool_figures": "which tool fails most this week?",
    "tools": "show the tools",
    "learned": "what did we learn this week?",
    "figures": "how much happened this week?",
    "help": "what can you do?",
    "send_event": "send a test event for machine M",
    "answer_approval": "approve the refund for c-1 up to 50",
    "settle_effect": "settle effect KEY as done",
    "pause": "pause the tool NAME",
    "resume": "resume the tool NAME",
    "cancel_run": "cancel the run of c-1",
}
"""A question for each tool, as an operator may put it."""


def helping(toolbox: Callable[[], Mapping[str, OperatorTool]]) -> Reads:
    """A tool that tells of the others, by what the asker's scopes permit."""

    async def help_(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
        every = toolbox()
        mine = {name: one for name, one in every.items() if one.scope in asker.scopes}
        reads = [_line(name, one) for name, one in mine.items() if one.proposes is None and name != "help"]
        acts = [_line(name, one) for name, one in mine.items() if one.proposes is not None]
        closed: dict[str, list[str]] = {}
        for name, one in every.items():
            if name not in mine:
                closed.setdefault(one.scope, []).append(name)
        refused = [
            f"Your key lacks the scope {scope}, needed for: {', '.join(names)}." for scope, names in closed.items()
        ]
        return Found(
            data={
                "tools": [
                    {"name": name, "does": one.tool.description, "ask": EXAMPLES[name]} for name, one in mine.items()
                ],
                "not_permitted": {scope: list(names) for scope, names in closed.items()},
            },
            words=lines(
                f"{plain(asker.name)}, ask about runs, tools and what is learned. I look up:" if reads else "",
                reads,
                "I do, once you have confirmed exactly what:" if acts else "",
                acts,
                refused,
            ),
            suggestions=tuple(EXAMPLES[name] for name in mine if name != "help")[:3],
        )

    return help_


def _line(name: str, one: OperatorTool) -> str:
    first = one.tool.description.partition(".")[0]
    return f'  {first}: "{EXAMPLES[name]}"'
