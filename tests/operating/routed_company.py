"""A shop and a plant in one company, with subjects of awkward names, for tests of routing. Start with `open_routed`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agent.actions import action_name
from agent.operating.names import Names
from agent.operating.phrases import PHRASES
from agent.operating.planner import ChatPlanner
from agent.operating.types import Asker, OperatorTool, Toolbox
from agent.roles import SCOPES, Scope
from agent.service import Segue
from agent.types import Budget, Call, CallResult, Decision, Event, Situation
from tests.agent.company import Company, embedder, open_company
from tests.operating.questions import NOW
from tools.types import Governance, JsonObject, JsonValue, Tool

ACTING = frozenset({"send_event", "answer_approval", "settle_effect", "pause", "resume", "cancel_run"})
HERE = "tests.operating.routed_company"


async def find_customer(customer: str) -> dict[str, Any]:
    """Look up what is known of a customer."""
    return {"customer": customer, "tier": "gold"}


async def pause_marketing(customer: str) -> dict[str, Any]:
    """Pause marketing to a customer at the personalization engine."""
    return {"paused": True}


async def pay_refund(customer: str, amount: float) -> dict[str, Any]:
    """Pay money back to a customer."""
    return {"paid": amount}


async def hand_over(customer: str, team: str = "service") -> dict[str, Any]:
    """Hand the case of a customer over to a human agent."""
    return {"case": customer}


async def teach_chatbot(question: str, answer: str = "") -> dict[str, Any]:
    """Feed a question and its answer back into what the support chatbot learns from."""
    return {"taught": True}


async def check_stock(part: str) -> dict[str, Any]:
    """Look how many spare parts there are in the stockroom."""
    return {"free": 0}


async def order_part(part: str, supplier: Literal["A", "B", "C"]) -> dict[str, Any]:
    """Order a spare part from a supplier."""
    return {"ordered": part}


async def replan_production(machine: str) -> dict[str, Any]:
    """Reschedule the jobs of a machine in the production plan."""
    return {"moved": 3}


async def update_transport(machine: str) -> dict[str, Any]:
    """Tell the supply-chain logistics about delays of shipments."""
    return {"told": True}


PORTFOLIO = f"""
segue: 1
goals: {{loyalty: {{weight: 1.0}}, uptime: {{weight: 2.0}}}}
chains:
  - {{name: care, description: care for an unhappy customer, steps: [
      {{name: know, description: know the customer}},
      {{name: calm, description: leave the customer in peace}},
      {{name: handover, description: a human takes the case}},
      {{name: repay, description: make good}},
      {{name: teach, description: the next customer gets an answer}}]}}
  - {{name: keep_running, description: keep machines running, steps: [
      {{name: plan, description: plan production around the repair}},
      {{name: stock, description: have the spare part}},
      {{name: deliver, description: keep shipments up to date}}]}}
sources:
  - name: local
    python:
      find_customer: "{HERE}:find_customer"
      pause_marketing: "{HERE}:pause_marketing"
      pay_refund: "{HERE}:pay_refund"
      hand_over: "{HERE}:hand_over"
      teach_chatbot: "{HERE}:teach_chatbot"
      check_stock: "{HERE}:check_stock"
      order_part: "{HERE}:order_part"
      replan_production: "{HERE}:replan_production"
      update_transport: "{HERE}:update_transport"
    tools:
      find_customer: {{step: know, effect: read, unit: service}}
      pause_marketing: {{step: calm, idempotent: true, unit: marketing}}
      pay_refund: {{step: repay, risk: high, unit: finance}}
      hand_over: {{step: handover, unit: service, choice: [team]}}
      teach_chatbot: {{step: teach, unit: service}}
      check_stock: {{step: stock, effect: read, unit: plant}}
      order_part: {{step: stock, unit: plant, choice: [supplier]}}
      replan_production: {{step: plan, unit: plant}}
      update_transport: {{step: deliver, unit: logistics}}
events:
  conversation.failed:
    description: a customer leaves the support chatbot angry and unhelped
    schema: {{type: object, properties: {{message: {{type: string}}, amount: {{type: number}}}}}}
    text: "{{data.message}}"
    allow: [know, calm, handover, repay, teach]
    bind: {{customer: subject}}
  machine.failure_predicted:
    description: the predictive-maintenance model reports a probable machine failure
    schema:
      type: object
      required: [part, probability]
      properties:
        part: {{type: string}}
        probability: {{type: number}}
        hours_left: {{type: integer}}
        urgent: {{type: boolean}}
    text: "{{data.part}}"
    allow: [plan, stock, deliver]
    bind: {{machine: subject}}
  machine.repaired:
    description: a technician has repaired a machine
    schema: {{type: object, properties: {{hours: {{type: number}}}}}}
    text: "{{subject}}"
    allow: [plan]
    bind: {{machine: subject}}
outcomes:
  customer.stayed:
    schema: {{type: object, properties: {{loyalty: {{type: number}}}}}}
    join: {{events: [conversation.failed], window: 30d}}
    grade: {{loyalty: "double(data.loyalty)"}}
"""

SENT: Sequence[tuple[str, str, JsonObject]] = (
    ("c-1", "conversation.failed", {"message": "where is my parcel", "amount": 40.0}),
    ("c-2", "conversation.failed", {"message": "wrong size", "amount": 90.0}),
    ("Müller & Sohn", "conversation.failed", {"message": "nobody answers"}),
    ("today", "conversation.failed", {"message": "cancel everything"}),
    ("50", "conversation.failed", {"message": "approve the refund for c-1"}),
    ("M-7", "machine.failure_predicted", {"part": "bearing", "probability": 0.8, "hours_left": 20, "urgent": False}),
    ("M-8", "machine.repaired", {"hours": 3.0}),
    ("B", "machine.failure_predicted", {"part": "belt", "probability": 0.4}),
)


class Told:
    """Decides as the company of the test does."""

    name = "told"

    async def decide(self, situation: Situation) -> Decision:
        """Marketing paused and money paid back to customers, parts ordered at A for machines."""
        if situation.decision > 1:
            return Decision(kind="finish", reason="done", decided_by=self.name)
        tools = {tool.name: tool for tool in situation.tools}
        subject = situation.event.subject

        def call(name: str, **arguments: JsonValue) -> Call:
            return Call(tool=name, arguments=arguments, action=action_name(tools[name], arguments))

        if situation.event.type == "conversation.failed":
            calls = [call("pause_marketing", customer=subject)]
            if "amount" in situation.event.data:
                calls.append(call("pay_refund", customer=subject, amount=situation.event.data["amount"]))
        elif situation.event.type == "machine.failure_predicted":
            calls = [call("order_part", part=situation.event.data["part"], supplier="A")]
        else:
            calls = [call("replan_production", machine=subject)]
        return Decision(kind="act", reason="as told", calls=tuple(calls), decided_by=self.name)


@dataclass
class Routed:
    """The company with what routes questions about it."""

    company: Company
    names: Names
    runs: Mapping[str, str]
    """Subject -> its run."""
    asker: Asker
    toolbox: Toolbox

    @property
    def planner(self) -> ChatPlanner:
        """Of the asker."""
        return ChatPlanner(cosines, self.names, self.toolbox, self.asker, lambda: NOW)

    async def decide(
        self,
        text: str,
        earlier: Sequence[Mapping[str, str]] = (),
        results: tuple[CallResult, ...] = (),
    ) -> Decision:
        """What becomes of a question."""
        return await self.planner.decide(situation(text, self.toolbox, earlier, results))


async def cosines(text: str, things: Mapping[str, str]) -> Mapping[str, float]:
    """The real ones, of the model everything else uses."""
    names = list(things)
    vectors = await embedder().aembed([things[name] for name in names])
    (vector,) = await embedder().aembed([text])
    return dict(zip(names, (vectors @ vector).tolist(), strict=True))


def situation(
    text: str,
    toolbox: Toolbox,
    earlier: Sequence[Mapping[str, str]] = (),
    results: tuple[CallResult, ...] = (),
) -> Situation:
    """As the chat's stages make it."""
    event = Event(
        source="/segue/chat",
        id="q-1",
        type="operator.asked",
        subject="ada",
        time=NOW,
        data={"question": text, "now": NOW.isoformat(), "earlier": [dict(one) for one in earlier]},
    )
    return Situation(
        run="q-1",
        decision=1 + len(results),
        event=event,
        event_description="An operator asks",
        text=text,
        features={},
        goals={},
        tools=tuple(one.tool for one in toolbox.values()),
        bound={},
        playbook=None,
        evidence={},
        results=results,
        budget=Budget(decisions=6, calls=12, seconds=90.0, tokens=60_000),
        events=(event,),
    )


TEXT = {"type": "string"}
_WINDOW = {"since": {"type": "string", "format": "date-time"}, "until": {"type": "string", "format": "date-time"}}
TOOLS: Mapping[str, tuple[Scope, str, Mapping[str, Any], tuple[str, ...]]] = {
    "waiting": ("read", "What waits for an operator", {"subject": TEXT}, ()),
    "find_runs": (
        "read",
        "Finds runs",
        {
            "subject": TEXT,
            "event_type": TEXT,
            "status": {"enum": ["queued", "running", "waiting", "done", "stopped", "failed", "cancelled"]},
            "tool": TEXT,
            "limit": {"type": "integer", "minimum": 1},
            **_WINDOW,
        },
        (),
    ),
    "explain_run": ("read", "Explains a run", {"run": TEXT}, ("run",)),
    "why_called": ("read", "Why a tool was called", {"tool": TEXT, "subject": TEXT, "run": TEXT, **_WINDOW}, ("tool",)),
    "why_not": (
        "read",
        "Why a tool was not called",
        {"tool": TEXT, "subject": TEXT, "run": TEXT, **_WINDOW},
        ("tool",),
    ),
    "like_cases": ("read", "How like cases ended", {"run": TEXT, "subject": TEXT}, ()),
    "tool_figures": (
        "read",
        "Figures of the tools",
        {"order_by": {"enum": ["failures", "calls", "duration"]}, "tool": TEXT, **_WINDOW},
        (),
    ),
    "tools": ("read", "The tools there are", {"tool": TEXT, "unit": TEXT, "step": TEXT}, ()),
    "learned": ("read", "What was learned", dict(_WINDOW), ()),
    "figures": ("read", "Figures of the runs", dict(_WINDOW), ()),
    "help": ("read", "What can be asked", {}, ()),
    "send_event": (
        "events",
        "Sends an event",
        {"type": TEXT, "subject": TEXT, "data": {"type": "object"}},
        ("type", "subject"),
    ),
    "answer_approval": (
        "approve",
        "Answers an approval",
        {
            "approval": TEXT,
            "subject": TEXT,
            "tool": TEXT,
            "answer": {"enum": ["approve", "reject"]},
            "at_most": {"type": "number"},
            "reason": TEXT,
        },
        ("answer",),
    ),
    "settle_effect": (
        "steer",
        "Settles an effect",
        {"key": TEXT, "state": {"enum": ["done", "failed"]}, "reason": TEXT},
        ("key", "state"),
    ),
    "pause": (
        "steer",
        "Pauses",
        {"scope": {"enum": ["everything", "tool", "event_type"]}, "name": TEXT, "reason": TEXT},
        ("scope",),
    ),
    "resume": (
        "steer",
        "Resumes",
        {"scope": {"enum": ["everything", "tool", "event_type"]}, "name": TEXT},
        ("scope",),
    ),
    "cancel_run": ("steer", "Cancels a run", {"run": TEXT, "subject": TEXT}, ()),
}


def toolbox(scopes: frozenset[Scope] = frozenset(SCOPES)) -> Toolbox:
    """The operators' tools by name and arguments; what they do is shown elsewhere."""
    return {
        name: OperatorTool(
            tool=Tool(
                name=name,
                description=description,
                parameters={
                    "type": "object",
                    "properties": dict(properties),
                    "required": list(required),
                    "additionalProperties": False,
                },
                returns=None,
                source="segue",
                governance=Governance(effect="read" if scope == "read" else "write"),
            ),
            scope=scope,
            phrases=PHRASES[name],
        )
        for name, (scope, description, properties, required) in TOOLS.items()
        if scope in scopes
    }


@asynccontextmanager
async def open_routed(data: Path) -> AsyncIterator[Routed]:
    """The company with its runs handled; those of c-1 and c-2 wait for an answer on a refund."""
    async with open_company(data, Told(), PORTFOLIO) as company:
        runs = {}
        for number, (subject, kind, sent) in enumerate(SENT):
            runs[subject] = await company.send(subject, id=f"e-{number}", type=kind, **sent)
        for run in runs.values():
            await company.ended(run)
        yield Routed(
            company=company,
            names=names_of(company.segue),
            runs=runs,
            asker=Asker(tenant="default", name="ada", scopes=frozenset(SCOPES)),
            toolbox=toolbox(),
        )


def names_of(segue: Segue) -> Names:
    """What can be named there."""
    return Names(segue._database, segue.portfolio, lambda: segue._registry.tools)
