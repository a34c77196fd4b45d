"""The chat without a language model: a question is routed to a tool by likeness and words. Start with `ChatPlanner`.

Orders come first (`acting`): only a sentence that begins with an acting verb is one. Everything else is looked up
(`asking`), by the tool whose phrases are likest, or answered with what can be asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from agent.deciders.planner_meaning import Similarities
from agent.operating.names import Names
from agent.operating.routing import cues
from agent.operating.routing.acting import ordered
from agent.operating.routing.asking import FILL, window
from agent.operating.routing.conversation import Message, asks_why, asks_why_not, carried, is_half, messages
from agent.operating.routing.looking_up import bare, looked_up
from agent.operating.routing.mentions import mentioned
from agent.operating.routing.routes import Read, Reply, Route, Routed, Setting, filled
from agent.operating.routing.saying import EMPTY, advice, cannot, example, refused, told
from agent.operating.routing.sentences import asked_for, clean
from agent.operating.types import Asker, Toolbox
from agent.types import Call, Decision, Situation
from tools.types import JsonObject

NAME = "planner"
TOGETHER = (frozenset({"run", "subject"}), frozenset({"since", "until"}))
"""Where one of these is named anew, the other one of the last question is over."""
HALVES = 3
"""So many questions that are half of one are put together."""


class ChatPlanner:
    """Routes the questions of one operator."""

    def __init__(
        self,
        similarities: Similarities,
        names: Names,
        toolbox: Toolbox,
        asker: Asker,
        clock: Callable[[], datetime],
    ) -> None:
        """`toolbox` may hold more than the asker may use."""
        self._similarities = similarities
        self._names = names
        self._toolbox = toolbox
        self._asker = asker
        self._clock = clock

    @property
    def name(self) -> str:
        """As reports show it."""
        return NAME

    async def decide(self, situation: Situation) -> Decision:
        """Look up or propose one thing; then say what came of it. What cannot be answered is said so, never raised."""
        if situation.results:
            return self._finish(told(situation.results))
        data = situation.event.data
        setting = Setting(
            similarities=self._similarities,
            names=self._names,
            toolbox={name: one for name, one in self._toolbox.items() if one.scope in self._asker.scopes},
            tenant=self._asker.tenant,
            now=_now(data, self._clock()),
        )
        routed = await self._route(clean(situation.text), messages(data), setting, HALVES)
        if isinstance(routed, Reply):
            return self._finish(routed.text)
        call = Call(tool=routed.tool, arguments=routed.arguments, action=routed.tool)
        return Decision(kind="act", reason=f"{routed.tool}: {routed.why}", calls=(call,), decided_by=NAME)

    def _finish(self, text: str) -> Decision:
        return Decision(kind="finish", reason=text, decided_by=NAME)

    async def _route(self, text: str, earlier: Sequence[Message], setting: Setting, halves: int) -> Routed:
        if not re.search(r"\w", text) and "?" not in text:
            return Reply(text=cannot(EMPTY, (), {}))
        mentions = await mentioned(text, setting.names, setting.tenant, setting.now)
        before = await carried(earlier, setting.names, setting.tenant, setting.now)
        read = Read(mentions=mentions, carried=before, masked=mentions.masked(), there=await _there(setting))
        if is_half(mentions) and halves and any(one.role == "operator" for one in earlier):
            return await self._again(read, earlier, setting, halves - 1)
        if asks_why(mentions) or asks_why_not(mentions):
            return _why(read)
        order = await ordered(read, setting)
        if order is not None:
            return order
        read = replace(read, masked=asked_for(read.masked))
        if cues.ADVICE.search(read.masked) and cues.ACT_WORDS.search(read.masked):
            return Reply(text=_advice(read))
        return await looked_up(read, setting, {name: one.phrases for name, one in self._toolbox.items()})

    async def _again(self, read: Read, earlier: Sequence[Message], setting: Setting, halves: int) -> Routed:
        """The last question, asked of what this one names."""
        place = max(index for index, one in enumerate(earlier) if one.role == "operator")
        last = await self._route(earlier[place].text, earlier[:place], setting, halves)
        if isinstance(last, Reply):
            return last
        if last.tool not in FILL:
            return Reply(text=refused("several", example(last.tool, read.named)))
        mine = _mine(last, read, setting)
        if not mine:
            return await bare(read, setting)
        dropped = {name for pair in TOGETHER if pair & mine.keys() for name in pair}
        kept = {name: value for name, value in last.arguments.items() if name not in dropped}
        return replace(last, arguments={**kept, **mine}, why=f"as the question before: {last.why}")


def _mine(last: Route, read: Read, setting: Setting) -> JsonObject:
    """What a half question names, of what the whole one can be about."""
    takes = setting.toolbox[last.tool].tool.parameters.get("properties")
    mentions = read.mentions
    given = filled(
        subject=mentions.first("subject"),
        run=mentions.first("run"),
        tool=mentions.first("tool"),
        event_type=mentions.first("type"),
        **window(read),
    )
    return {name: value for name, value in given.items() if isinstance(takes, Mapping) and name in takes}


def _why(read: Read) -> Routed:
    """`why?`, of what was named last."""
    before = read.carried
    if before.run is not None:
        return Route(tool="explain_run", arguments={"run": before.run}, why="it asks why, of the run named last")
    if before.tool is not None:
        tool = "why_not" if asks_why_not(read.mentions) else "why_called"
        arguments = {"tool": before.tool, **({"subject": before.subject} if before.subject else {})}
        return Route(tool=tool, arguments=arguments, why="it asks why, of the tool named last")
    return Reply(text=cannot("I do not know of what you ask why.", ("why_called", "explain_run"), read.named))


def _advice(read: Read) -> str:
    """How something is said, or what helps to decide it."""
    acts = next((tool for words, tool in cues.ACTS_NAMED if words.search(read.masked)), "answer_approval")
    if cues.HOW.search(read.masked):
        return refused("how", example(acts, read.named))
    return advice(read.named)


async def _there(setting: Setting) -> dict[str, str]:
    """Names there are, so that examples can be asked as they stand."""
    last = await setting.names.last_event(setting.tenant, None)
    tools = [(name, one.governance) for name, one in setting.names.tools.items() if one.governance.effect == "write"]
    tool = next((name for name, _ in tools), None)
    risky = next((name for name, one in tools if one.risk == "high"), tool)
    kind = last.type if last else next(iter(setting.names.event_types), None)
    there = {"subject": last and last.subject, "tool": tool, "risky": risky, "type": kind}
    return {name: value for name, value in there.items() if value}


def _now(data: JsonObject, otherwise: datetime) -> datetime:
    """The moment the question was asked."""
    written = data.get("now")
    try:
        moment = datetime.fromisoformat(written) if isinstance(written, str) else otherwise
    except ValueError:
        moment = otherwise
    return moment.astimezone(UTC)
