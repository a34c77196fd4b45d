"""The supervisor: how one run goes, as a LangGraph graph in reading order. Start with `build_graph`.

    settle -> recall -> decide and check -> act -> (recall again)
      |                        |
    parked, until an         record: the run is closed
    operator has answered

The graph runs inside a durable workflow (`durable`). What must not happen twice is a step of that workflow; nodes
only route. State between nodes is small: whatever a step has learned is in the store before the next node runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict, TypeVar

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.situation import Prepared
from agent.store.decisions import Pending
from agent.types import CallState, RunStatus

T = TypeVar("T")

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


class Durable(Protocol):
    """Steps that a crash does not repeat once they have ended."""

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` once, or give back what it gave before the crash."""

    async def steps(self, name: str, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """The same for several at once, in parallel."""


class Stages(Protocol):
    """What the nodes do, each repeatable: a second call finds what the first one stored."""

    async def settle(self, run: str) -> Pending:
        """What is left of the last decision; parks the run if only an operator can go on."""

    async def recall(self, run: str) -> Prepared | End:
        """The situation, with the evidence memory has for it."""

    async def decide(self, prepared: Prepared | End) -> Turn:
        """Ask the decider, check every call by policy, and store both with the approvals they need in one commit."""

    async def act(self, run: str, number: int, index: int) -> CallState:
        """Carry out one call through the ledger."""

    async def record(self, run: str, end: End) -> None:
        """Write the episode and close the run."""


class RunState(TypedDict):
    """State between nodes."""

    run: str
    prepared: Prepared | End | None
    turn: Turn | None
    pending: Pending | None
    states: tuple[CallState, ...]
    end: End | None


class RunUpdate(TypedDict, total=False):
    """What a node changes."""

    prepared: Prepared | End
    turn: Turn | None
    pending: Pending | None
    states: tuple[CallState, ...]
    end: End | None


RunGraph = CompiledStateGraph[RunState, None, RunState, RunState]


def first_state(run: str) -> RunState:
    """The state a run's segment starts with."""
    return {"run": run, "prepared": None, "turn": None, "pending": None, "states": (), "end": None}


def build_graph(stages: Stages, durable: Durable) -> RunGraph:
    """Wire the nodes once, in reading order."""

    async def settle(state: RunState) -> RunUpdate:
        return {"pending": await durable.step("settle", lambda: stages.settle(state["run"])), "turn": None}

    async def recall(state: RunState) -> RunUpdate:
        # Not a step: only `decide` consumes it, and a replay gives back what `decide` gave. So it must not route
        # either: the portfolio may have changed since, and the replay would leave the recorded path.
        return {"prepared": await stages.recall(state["run"])}

    async def decide(state: RunState) -> RunUpdate:
        prepared = state["prepared"]
        if prepared is None:
            raise RuntimeError(TOO_EARLY)
        turn = await durable.step("decide", lambda: stages.decide(prepared))
        return {"turn": turn, "end": turn.end}

    async def act(state: RunState) -> RunUpdate:
        number, indices = _to_do(state)
        run = state["run"]
        works = [_bind(stages.act, run, number, index) for index in indices]
        return {"states": tuple(await durable.steps("act", works))}

    async def record(state: RunState) -> RunUpdate:
        end = _present(state["end"])
        await durable.step("record", lambda: stages.record(state["run"], end))
        return {}

    graph: StateGraph[RunState, None, RunState, RunState] = StateGraph(RunState)
    graph.add_node("settle", settle)
    graph.add_node("recall", recall)
    graph.add_node("decide", decide)
    graph.add_node("act", act)
    graph.add_node("record", record)
    graph.add_edge(START, "settle")
    graph.add_conditional_edges("settle", after_settle, ["act", "recall", END])
    graph.add_edge("recall", "decide")
    graph.add_conditional_edges("decide", after_decide, ["act", "settle", "recall", "record"])
    graph.add_conditional_edges("act", after_act, ["settle", "recall"])
    graph.add_edge("record", END)
    return graph.compile()


def after_settle(state: RunState) -> Literal["act", "recall", "__end__"]:
    """Go on with what may be done; with nothing to do and somebody to wait for, the run is parked."""
    pending = _present(state["pending"])
    if pending.act:
        return "act"
    return "__end__" if pending.wait else "recall"


def after_decide(state: RunState) -> Literal["act", "settle", "recall", "record"]:
    """Go on with what is permitted; a refused call goes back to the decider."""
    turn = _present(state["turn"])
    if turn.end is not None:
        return "record"
    if turn.act:
        return "act"
    return "settle" if turn.ask else "recall"


def after_act(state: RunState) -> Literal["settle", "recall"]:
    """A call in doubt, or one that waits for approval, needs an operator."""
    turn = state["turn"]
    asked = turn is None or turn.ask
    return "settle" if asked or "unknown" in state["states"] else "recall"


def _to_do(state: RunState) -> tuple[int, tuple[int, ...]]:
    turn = state["turn"]
    if turn is not None:
        return turn.number, turn.act
    pending = _present(state["pending"])
    return pending.number, pending.act


def _present(value: T | None) -> T:
    if value is None:
        raise RuntimeError(TOO_EARLY)
    return value


def _bind(
    work: Callable[[str, int, int], Awaitable[CallState]], run: str, number: int, index: int
) -> Callable[[], Awaitable[CallState]]:
    async def bound() -> CallState:
        return await work(run, number, index)

    return bound
