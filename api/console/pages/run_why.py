"""Why a tool was called in a run, or why not, in words. Start with `WhyNot`."""

from __future__ import annotations

from typing import Any

from nicegui.events import GenericEventArguments

from agent.operating.types import Asker
from agent.operating.why_called import why_called
from agent.operating.why_not import why_not
from api.access import Caller
from api.console.frame import View
from api.console.parts import box, text
from api.console.run_story import Told
from api.terminal import clean, line
from tools.errors import ToolError

CHOSEN = "(event) => emit(event.target.value)"


class WhyNot:
    """A question about any tool, and its answer."""

    def __init__(self, view: View, told: Told) -> None:
        self._view = view
        self._run = str(told.run["id"])
        text("h2", "Why, and why not?")
        weighed = {one["action"] for decision in told.run["decisions"] for one in decision["candidates"]}
        tools = {str(one["name"]) for one in view.segue.tools()}
        with box("div", "sg-field-box"):
            text("label", "Why was this tool called, or not?", "sg-quiet sg-small").props('for="why-tool"')
            with box("select", "sg-field").props('id="why-tool"') as select:
                text("option", "Choose a tool").props('value=""')
                for name in sorted(tools | weighed):
                    text("option", line(name, 120)).props["value"] = name
        select.on("change", self._asked, js_handler=CHOSEN)
        self._answer = box("div", "sg-maybe").props('aria-live="polite" id="why-answer"')

    async def _asked(self, event: GenericEventArguments) -> None:
        tool = event.args if isinstance(event.args, str) else ""
        words = await self._view.act("read", lambda caller: self._words(caller, tool)) if tool else None
        self._answer.clear()
        if words:
            with self._answer:
                text("p", clean(words), "sg-lines")

    async def _words(self, caller: Caller, tool: str) -> str:
        segue = self._view.segue
        asker = Asker(tenant=caller.tenant, name=caller.name, scopes=caller.scopes)
        run = await segue.run(caller.tenant, self._run)
        called = {name for one in run["decisions"] for call in one["calls"] for name in (call["tool"], call["action"])}
        given: dict[str, Any] = {"tool": tool, "run": self._run}
        try:
            found = await (why_called if tool in called else why_not)(segue, asker, given)
        except ToolError as error:
            return str(error)
        return found.words
