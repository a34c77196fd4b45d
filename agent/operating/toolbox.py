"""The operators' tools: what the chat can look up and do. Start with `toolbox`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.operating import acting, answering, sending
from agent.operating.helping import helping
from agent.operating.learning import learned
from agent.operating.like_cases import like_cases
from agent.operating.looking_at_runs import STATUSES, explain_run, find_runs
from agent.operating.looking_at_tools import tools
from agent.operating.overview import figures
from agent.operating.phrases import PHRASES
from agent.operating.tool_figures import ORDERS, tool_figures
from agent.operating.types import OperatorTool, Proposes, Reads, Toolbox
from agent.operating.waiting import waiting
from agent.operating.why_called import why_called
from agent.operating.why_not import why_not
from agent.roles import Scope
from tools.types import Governance, JsonObject, Tool

SUBJECT: JsonObject = {"type": "string", "description": "What runs are about, the business key: a customer, a machine"}
RUN: JsonObject = {"type": "string", "description": "Id of a run, 26 characters"}
TOOL: JsonObject = {"type": "string", "description": "A tool's name, or an action such as order_part[supplier=B]"}
SINCE: JsonObject = {"type": "string", "description": "From then on, ISO 8601 with a zone"}
UNTIL: JsonObject = {"type": "string", "description": "Until just before then, ISO 8601 with a zone"}
REASON: JsonObject = {"type": "string", "description": "Why, kept beside what is done"}
TIME: Mapping[str, JsonObject] = {"since": SINCE, "until": UNTIL}


def toolbox() -> Toolbox:
    """Every tool by its name, in the order in which help tells them."""
    made = [*_about_runs(), *_about_choices(), *_about_the_whole(), *_answers(), *_holds()]
    return {one.tool.name: one for one in made}


def _about_runs() -> list[OperatorTool]:
    return [
        _reading(
            "waiting",
            "Show what waits for a person, oldest first. Approvals with their exact arguments, questions, unknown "
            "effects and dead letters, with what happens on yes and on no.",
            {"subject": SUBJECT},
            waiting,
        ),
        _reading(
            "find_runs",
            "Tell what happened, for a subject, an event type, a tool or a time. Each run as a short story: the "
            "event, what was decided and why, what was done, what waits, how it ended.",
            {
                "subject": SUBJECT,
                "event_type": {"type": "string", "description": "Type of the event that began it"},
                "status": {"type": "string", "enum": list(STATUSES)},
                "tool": TOOL,
                **TIME,
                "limit": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 20,
                    "description": "Runs to tell; 5 if not given",
                },
            },
            find_runs,
        ),
        _reading(
            "explain_run",
            "Explain one run with everything that is known of it. What memory recalled, each decision, every call "
            "with its result, approvals, outcomes.",
            {"run": RUN},
            explain_run,
            needs=["run"],
        ),
    ]


def _about_choices() -> list[OperatorTool]:
    which = {"tool": TOOL, "subject": SUBJECT, "run": RUN, **TIME}
    return [
        _reading(
            "why_called",
            "Say why a tool was called. Who decided it and why, its purpose, its score and how the like cases "
            "behind that score ended.",
            which,
            why_called,
            needs=["tool"],
        ),
        _reading(
            "why_not",
            "Say why a tool or an action was not used. Not permitted, outdone by another with a better score, not "
            "relevant, or never weighed; and where it was used.",
            which,
            why_not,
            needs=["tool"],
        ),
        _reading(
            "like_cases",
            "Tell how like cases ended. Those that memory recalled for a run or for the latest run about a "
            "subject, with what was done in each and its reward.",
            {"run": RUN, "subject": SUBJECT},
            like_cases,
        ),
    ]


def _about_the_whole() -> list[OperatorTool]:
    return [
        _reading(
            "tool_figures",
            "Say which tools fail most, are called most or take longest. Counts, shares that failed, durations "
            "and the last error, in the last 7 days unless a time is given.",
            {
                "order_by": {"type": "string", "enum": list(ORDERS), "description": "failures if not given"},
                "tool": TOOL,
                **TIME,
            },
            tool_figures,
        ),
        _reading(
            "tools",
            "Show the company's tools and whether they are well. All, one by name, or those of a business unit or "
            "a step of a value chain.",
            {
                "tool": TOOL,
                "unit": {"type": "string", "description": "Business unit"},
                "step": {"type": "string", "description": "Step of a value chain"},
            },
            tools,
        ),
        _reading(
            "learned",
            "Tell what was learned. Lessons found and retired, actions that turn out otherwise, outcomes and "
            "their mean reward, what memory adds; in the last 7 days unless a time is given.",
            TIME,
            learned,
        ),
        _reading(
            "figures",
            "Count what happened. Runs by how they ended, decisions, effects, approvals and outcomes, in the last "
            "7 days unless a time is given.",
            TIME,
            figures,
        ),
        _reading("help", "Say what can be asked and done here.", {}, helping(toolbox)),
    ]


def _answers() -> list[OperatorTool]:
    return [
        _acting(
            "send_event",
            "Send an event, which starts a run. Its data must fit the schema of its type.",
            {
                "type": {"type": "string", "description": "Type of the event, as the portfolio names it"},
                "subject": SUBJECT,
                "data": {"type": "object", "description": "The event's fields"},
            },
            ["type", "subject"],
            (sending.propose_event, sending.send_event),
            scope="events",
        ),
        _acting(
            "answer_approval",
            "Approve or reject what waits for an approval. Found by its id, or by subject and tool; at_most is "
            "the most that a number in its arguments may be.",
            {
                "approval": {"type": "string", "description": "Id of the approval, if it is known"},
                "subject": SUBJECT,
                "tool": TOOL,
                "answer": {"type": "string", "enum": list(answering.ANSWERS)},
                "at_most": {"type": "number", "description": "Approve only up to this amount"},
                "reason": REASON,
            },
            ["answer"],
            (answering.propose_answer, answering.answer_approval),
            scope="approve",
        ),
        _acting(
            "settle_effect",
            "Say whether an unknown effect happened. Done, or failed, so that its run goes on.",
            {
                "key": {"type": "string", "description": "Key of the effect, run:decision:index"},
                "state": {"type": "string", "enum": ["done", "failed"]},
                "reason": REASON,
            },
            ["key", "state"],
            (acting.propose_settlement, acting.settle_effect),
        ),
    ]


def _holds() -> list[OperatorTool]:
    return [
        _acting(
            "pause",
            "Pause everything, a tool or an event type. What it holds waits until it is resumed.",
            {**_WHAT, "reason": REASON},
            ["scope"],
            (acting.propose_pause, acting.pause),
        ),
        _acting(
            "resume",
            "Resume what is paused. The runs it held go on.",
            _WHAT,
            ["scope"],
            (acting.propose_resume, acting.resume),
        ),
        _acting(
            "cancel_run",
            "Cancel an open run. It begins no effect any more.",
            {"run": RUN, "subject": SUBJECT},
            [],
            (acting.propose_cancel, acting.cancel_run),
        ),
    ]


_WHAT: Mapping[str, JsonObject] = {
    "scope": {"type": "string", "enum": list(acting.SCOPES)},
    "name": {"type": "string", "description": "Of the tool or event type; none for everything"},
}


def _reading(
    name: str, description: str, arguments: Mapping[str, JsonObject], reads: Reads, needs: Sequence[str] = ()
) -> OperatorTool:
    return OperatorTool(
        tool=_tool(name, description, arguments, needs), scope="read", phrases=PHRASES.get(name, ()), reads=reads
    )


def _acting(
    name: str,
    description: str,
    arguments: Mapping[str, JsonObject],
    needs: Sequence[str],
    how: tuple[Proposes, Reads],
    scope: Scope = "steer",
) -> OperatorTool:
    proposes, does = how
    return OperatorTool(
        tool=_tool(name, description, arguments, needs, effect="write"),
        scope=scope,
        phrases=PHRASES.get(name, ()),
        proposes=proposes,
        does=does,
    )


def _tool(
    name: str, description: str, arguments: Mapping[str, JsonObject], needs: Sequence[str], effect: Any = "read"
) -> Tool:
    return Tool(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": dict(arguments),
            "required": list(needs),
            "additionalProperties": False,
        },
        returns=None,
        source="segue",
        governance=Governance(effect=effect),
    )
