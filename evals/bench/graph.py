"""The workload as the LangGraph graph a user would write, for every arm but Segue's own. Start with `build`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Protocol, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from evals.bench.workload import Waits, answer, look_up, note

FUNCTIONS = {"look_up": look_up, "note": note}


class State(TypedDict):
    """What goes from node to node."""

    messages: Annotated[list[AnyMessage], add_messages]
    model_ms: int
    tool_ms: int


class Steps(Protocol):
    """How a model call and tool calls are carried out: plainly, or so that a crash does not repeat them."""

    async def one(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """A model call."""

    async def several(self, works: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
        """Tool calls at once."""


class Plainly:
    """Just call."""

    async def one(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Its result."""
        return await work()

    async def several(self, works: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
        """Their results."""
        return list(await asyncio.gather(*(work() for work in works)))


def build(steps: Steps) -> StateGraph[State, None, State, State]:
    """The graph, not compiled: model, tools, model."""

    async def model(state: State) -> dict[str, Any]:
        asked = 1 + sum(isinstance(message, AIMessage) for message in state["messages"])
        customer = str(state["messages"][0].content)
        waits = Waits(model_ms=state["model_ms"], tool_ms=state["tool_ms"])
        return {"messages": [await steps.one(lambda: answer(asked, customer, waits))]}

    async def tools(state: State) -> dict[str, Any]:
        last = state["messages"][-1]
        calls = last.tool_calls if isinstance(last, AIMessage) else []
        results = await steps.several([_bound(call["name"], call["args"]) for call in calls])
        told = zip(calls, results, strict=True)
        return {"messages": [ToolMessage(json.dumps(result), tool_call_id=str(call["id"])) for call, result in told]}

    def after_model(state: State) -> str:
        last = state["messages"][-1]
        return "tools" if isinstance(last, AIMessage) and last.tool_calls else END

    graph: StateGraph[State, None, State, State] = StateGraph(State)
    graph.add_node("model", model)
    graph.add_node("tools", tools)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", after_model, ["tools", END])
    graph.add_edge("tools", "model")
    return graph


def first_state(customer: str, waits: Waits) -> State:
    """What a run starts with."""
    return {"messages": [HumanMessage(customer)], "model_ms": waits.model_ms, "tool_ms": waits.tool_ms}


def _bound(name: str, arguments: dict[str, Any]) -> Callable[[], Awaitable[Any]]:
    async def call() -> Any:
        return await FUNCTIONS[name](**arguments)

    return call
