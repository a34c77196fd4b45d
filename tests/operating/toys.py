"""Operators' tools that need no Segue, and a decider that wants what a list says. Start with `TOYS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from agent.operating.types import Asker, Card, Found, OperatorTool, Proposal, Toolbox
from agent.roles import Scope
from agent.service import Segue
from agent.types import Call, DeciderError, Decision, Situation
from tools.errors import ToolError
from tools.types import Governance, JsonObject, Tool

NO_SEGUE = cast("Segue", None)
ANN = Asker(tenant="default", name="ann", scopes=frozenset({"read", "steer"}))


@dataclass
class Toys:
    """What was really done."""

    done: list[JsonObject] = field(default_factory=list)

    async def look(self, segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
        """Find something."""
        card = Card(kind="run", id="R1", title="a \ud800 run\u2028", detail={"n": 1})
        return Found(data={"seen": arguments.get("what")}, words="found R1", cards=(card,), suggestions=("why?",))

    async def fail(self, segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
        """Find nothing."""
        raise ToolError("there is nothing of the kind")

    async def propose(self, segue: Segue, asker: Asker, arguments: JsonObject) -> Proposal:
        """Complete what is to be done."""
        if arguments.get("what") == "nothing":
            raise ToolError("nothing cannot be done")
        exact: JsonObject = {**arguments, "by": asker.name}
        return Proposal(tool="act", arguments=exact, title="Act", consequence="It is done.")

    async def act(self, segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
        """Do it."""
        self.done.append(arguments)
        return Found(data={"done": True}, words="It is done.")

    def box(self) -> Toolbox:
        """By name."""
        return {
            "look": _tool("look", "read", reads=self.look),
            "fail": _tool("fail", "read", reads=self.fail),
            "act": OperatorTool(tool=_spec("act"), scope="steer", phrases=(), proposes=self.propose, does=self.act),
        }


def _tool(name: str, scope: Scope, *, reads: object) -> OperatorTool:
    return OperatorTool(tool=_spec(name), scope=scope, phrases=(), reads=reads)  # type: ignore[arg-type]


def _spec(name: str) -> Tool:
    return Tool(
        name=name,
        description=f"{name}s",
        parameters={"type": "object", "properties": {"what": {"type": "string"}}, "additionalProperties": False},
        returns=None,
        source="segue",
        governance=Governance(effect="read" if name != "act" else "write"),
    )


@dataclass
class Wants:
    """Wants the calls of each turn, then says the end; a turn may be an error."""

    turns: Sequence[Sequence[tuple[str, JsonObject]] | DeciderError]
    words: str = "That is all."
    name: str = "wants"
    seen: list[Situation] = field(default_factory=list)

    async def decide(self, situation: Situation) -> Decision:
        """The next turn."""
        self.seen.append(situation)
        if situation.decision > len(self.turns):
            return Decision(kind="finish", reason=self.words, decided_by=self.name)
        turn = self.turns[situation.decision - 1]
        if isinstance(turn, DeciderError):
            raise turn
        calls = tuple(Call(tool=tool, arguments=arguments, action=tool) for tool, arguments in turn)
        return Decision(kind="act", reason="as wanted", calls=calls, decided_by=self.name)
