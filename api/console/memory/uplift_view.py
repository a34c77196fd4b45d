"""What memory adds, and its switch. Start with `UpliftView`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.store.switches import SwitchState
from api.access import Caller
from api.console.frame import View, button, now, state, when
from api.console.memory.asking import ask
from api.console.memory.drawing import draw, span_of
from api.console.parts import box, text
from api.console.sent import reason_of
from api.console.words import number, share
from api.terminal import line


class UpliftView:
    """Of one event type."""

    def __init__(self, view: View, kind: str) -> None:
        self._view = view
        self._kind = kind
        text("h2", "What memory adds")
        self._place = box("div", "sg-stack").props('aria-live="polite"')
        with self._place:
            text("p", "It is being worked out ...", "sg-quiet sg-small")

    async def load(self) -> None:
        """Ask, and show."""
        (told,) = await self._view.segue.uplifts.list(self._view.tenant, self._kind)
        self._place.clear()
        with self._place:
            self._switch(told["memory"])
            text("p", added_in_words(told))
            interval = told["anytime_interval"]
            if interval is not None and told["difference"] is not None:
                draw(span_of(told["difference"], interval["low"], interval["high"], added_in_words(told)))
                text(
                    "p", f"{VERDICTS[told['verdict']]} The interval holds however often one looks.", "sg-quiet sg-small"
                )

    def _switch(self, memory: Mapping[str, Any]) -> None:
        is_on = memory["state"] == "on"
        with box("div", "sg-row"):
            state("active" if is_on else "off", "memory is on" if is_on else "memory is off")
            if memory["since"]:
                why = f": {line(memory['reason'], 300)}" if memory["reason"] else ""
                text("span", f"switched by {line(memory['by'], 60)}{why}", "sg-quiet sg-small")
                when(memory["since"], now())
            if self._view.may("govern"):
                words = "Switch memory off" if is_on else "Switch memory on"
                button(words, lambda: self._ask("off" if is_on else "on")).classes("sg-slim sg-right")

    def _ask(self, wanted: SwitchState) -> None:
        async def turn(said: str) -> bool:
            async def work(caller: Caller) -> Any:
                switching = self._view.segue.switches
                return await switching.switch(caller.tenant, self._kind, wanted, by=caller.name, reason=reason_of(said))

            done = await self._view.act("govern", work) is not None
            if done:
                with self._view.client:
                    await self.load()
            return done

        name = line(self._kind, 80)
        ask(self._view, f"Switch memory {wanted} for {name}?", f"Switch it {wanted}", turn, lines=(LEADS[wanted],))


LEADS: Mapping[SwitchState, str] = {
    "off": "Runs that have not decided anything yet decide without memory. What happens is remembered as ever.",
    "on": "Runs that have not decided anything yet decide with memory again. What it adds is measured anew from now.",
}
VERDICTS: Mapping[str, str] = {
    "help": "Memory helps.",
    "harm": "Memory does harm.",
    "unknown": "Nobody can say yet whether it helps.",
}


def added_in_words(told: Mapping[str, Any]) -> str:
    """The uplift of an event type, with its interval."""
    graded = told["graded"]
    counted = f"{number(graded['memory'])} judged runs with memory, {number(graded['control'])} without"
    if told["difference"] is None:
        if not told["control"]:
            return (
                "Not measured: no run decides without memory. Set learning.control for this event type to measure it."
            )
        return f"Not known yet: {counted}."
    interval = told["anytime_interval"]
    between = f", 95 % interval {interval['low']:+.3f} to {interval['high']:+.3f}" if interval else ""
    return (
        f"{told['difference']:+.3f} of a reward of 1{between}; {counted}, and memory changes what is decided in "
        f"{share(told['share_swayed'] or 0.0, 1.0)} of them."
    )
