"""A source is revoked, or heard again, after it was said what that touches. Start with `ask_to_revoke`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from api.access import Caller
from api.console.frame import View
from api.console.memory.asking import ask
from api.console.sent import reason_of
from api.console.words import number
from api.terminal import line

LESSONS: Mapping[str, str] = {
    "alone": "by it alone, retired",
    "worded": "by it alone in an operator's words, looked at anew",
    "in_part": "in part, counted anew without it",
}
"""What becomes of those that rest on a source."""


async def ask_to_revoke(
    view: View, source: str, changed: Callable[[], Awaitable[None]], *, again: bool = False
) -> None:
    """`again`: let it be heard again. `changed` is called when it was done."""
    touched = await view.act("read", lambda caller: view.segue.sources.touches(caller.tenant, source))
    if touched is None:
        return

    async def change(said: str) -> bool:
        async def work(caller: Caller) -> Any:
            how = view.segue.sources.restore if again else view.segue.sources.revoke
            return await how(caller.tenant, source, by=caller.name, reason=reason_of(said))

        done = await view.act("govern", work) is not None
        if done:
            with view.client:
                await changed()
        return done

    name = line(source, 80)
    title, verb = (f"Hear {name} again?", "Hear it again") if again else (f"Revoke {name}?", "Revoke it")
    ask(view, title, verb, change, lines=what_it_touches(touched, again=again))


def what_it_touches(touched: Mapping[str, Any], *, again: bool) -> list[str]:
    """In words, what revoking takes away, or hearing again brings back."""
    by_type = [f"{number(count)} of {line(kind, 80)}" for kind, count in touched["episodes"].items()]
    episodes = f"{number(sum(touched['episodes'].values()))} episodes" + (f" ({', '.join(by_type)})" if by_type else "")
    sent = f"{episodes} and {number(touched['outcomes'])} outcomes came from it."
    if again:
        return [sent, "They speak in decisions again, and lessons are distilled with them."]
    lessons = touched["lessons"]
    parts = [
        f"{number(lessons[name])} {'lesson' if lessons[name] == 1 else 'lessons'} {words}"
        for name, words in LESSONS.items()
        if lessons[name]
    ]
    rest = f"What stands on it: {'; '.join(parts)}." if parts else "No standing lesson rests on it."
    return [sent, rest, "Nothing from it speaks in any decision, now or later. All is kept, and it can be heard again."]
