"""The supervisor: how one run goes, as a LangGraph graph in reading order. Start with `build_graph`.

    settle -> decide -> act -> (decide again)
      |         |
    parked    closed
    until an operator has answered

`decide` recalls, decides, checks and, where nothing more is wanted, records the end: one node, as a super-step of the
graph costs more than any of them. A run that was just taken for the first time has nothing to settle.

The graph runs inside a durable workflow (`durable`). Nodes only route: whatever a stage has learned is in the store
before the next node runs, so that a stretch of handling that starts anew after a crash goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypedDict, TypeVar

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.store.decisions import Pending
from agent.store.runs import Start
from agent.types import CallState, RunStatus

T = TypeVar("T")
P = TypeVar("P")
"""What a decision is made from."""

FINISHED = "finished"
"""Code of a run whose decider wanted nothing more."""

TOO_EARLY = "a node ran before the one that feeds it"


@dataclass(frozen=True, kw_only=True)
class End:
    """How a run ends: its status, a code with a name, and what an operator should know."""

    status: RunStatus
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A decision that policy has checked and the store holds, as far as routing needs it."""

    number: int
    act: tuple[int, ...] = ()
    """Indices of the permitted calls."""
    ask: bool = False
    """An operator must answer before the run can go on."""
    end: End | None = None


class Stages(Protocol[P]):
    """What the nodes do, each repeatable: a second call finds what the first one stored."""

    async def settle(self, start: Start) -> Pending:
        """What is left of the last decision; parks the run if only an operator can go on."""

    async def recall(self, run: str, *, fresh: bool, before: P | None) -> P | End:
        """The situation, with the evidence memory has for it.

        `fresh`: nothing can have happened in the run yet. `before`: what this segment's last decision was made from.
        """

    async def decide(self, start: Start, prepared: P | End) -> Turn:
        """Ask the decider, check every call by policy, and store both with the approvals they need in one commit."""

    async def act(self, start: Start, number: int, indices: Sequence[int]) -> tuple[CallState, ...]:
        """Carry out calls of one decision through the ledger, all at once."""

    async def record(self, start: Start, end: End, prepared: P | None = None) -> None:
        """Write the episode and close the run; `prepared` is what its last decision was made from."""


class RunState(TypedDict, Generic[P]):
    """State between nodes."""

    start: Start
    prepared: P | None
    turn: Turn | None
    pending: Pending | None
    states: tuple[CallState, ...]


class RunUpdate(TypedDict, Generic[P], total=False):
    """What a node changes."""

    prepared: P | None
    turn: Turn | None
    pending: Pending | None
    states: tuple[CallState, ...]


RunGraph = CompiledStateGraph[Any, None, Any, Any]


def first_state(start: Start) -> RunState[Any]:
    """The state a run's segment starts with."""
    return {"start": start, "prepared": None, "turn": None, "pending": None, "states": ()}


def build_graph(stages: Stages[P]) -> RunGraph:
    """Wire the nodes once, in reading order."""

    async def settle(state: RunState[P]) -> RunUpdate[P]:
        return {"pending": await stages.settle(state["start"]), "turn": None}

    async def decide(state: RunState[P]) -> RunUpdate[P]:
        start = state["start"]
        fresh = start.segment == 0 and state["turn"] is None and state["pending"] is None
        prepared = await stages.recall(start.run, fresh=fresh, before=state["prepared"])
        turn = await stages.decide(start, prepared)
        known = None if isinstance(prepared, End) else prepared
        if turn.end is not None:
            await stages.record(start, turn.end, known)
        return {"prepared": known, "turn": turn}

    async def act(state: RunState[P]) -> RunUpdate[P]:
        number, indices = _to_do(state)
        return {"states": await stages.act(state["start"], number, indices)}

    graph: StateGraph[Any, None, Any, Any] = StateGraph(RunState)
    graph.add_node("settle", settle)
    graph.add_node("decide", decide)
    graph.add_node("act", act)
    graph.add_conditional_edges(START, after_start, ["settle", "decide"])
    graph.add_conditional_edges("settle", after_settle, ["act", "decide", END])
    graph.add_conditional_edges("decide", after_decide, ["act", "settle", "decide", END])
    graph.add_conditional_edges("act", after_act, ["settle", "decide"])
    return graph.compile()


# Routes are coroutines, as LangGraph sends plain functions to a thread.
async def after_start(state: RunState[Any]) -> Literal["settle", "decide"]:
    """The first segment of a run has nothing behind it."""
    return "settle" if state["start"].segment else "decide"


async def after_settle(state: RunState[Any]) -> Literal["act", "decide", "__end__"]:
    """Go on with what may be done; with nothing to do and somebody to wait for, the run is parked."""
    pending = _present(state["pending"])
    if pending.act:
        return "act"
    return "__end__" if pending.wait else "decide"


async def after_decide(state: RunState[Any]) -> Literal["act", "settle", "decide", "__end__"]:
    """Go on with what is permitted; a refused call goes back to the decider."""
    turn = _present(state["turn"])
    if turn.end is not None:
        return "__end__"
    if turn.act:
        return "act"
    return "settle" if turn.ask else "decide"


async def after_act(state: RunState[Any]) -> Literal["settle", "decide"]:
    """A call in doubt, or one that waits for approval, needs an operator."""
    turn = state["turn"]
    asked = turn is None or turn.ask
    return "settle" if asked or "unknown" in state["states"] else "decide"


def _to_do(state: RunState[Any]) -> tuple[int, tuple[int, ...]]:
    turn = state["turn"]
    if turn is not None:
        return turn.number, turn.act
    pending = _present(state["pending"])
    return pending.number, pending.act


def _present(value: T | None) -> T:
    if value is None:
        raise RuntimeError(TOO_EARLY)
    return value
