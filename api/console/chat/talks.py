"""What operators and the chat have said, while this process lives. Start with `Talks.of` and `Talk.ask`.

A conversation is the operator's, not a page's: each page that shows it sees the same, and an answer goes on when a page
is closed. All of it is bounded, lies in memory, and is gone with the process.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from datetime import datetime

from agent.errors import Conflict, NotFound, Refused
from agent.ids import new_id
from agent.operating.types import Asker, ChatEvent, Over, Said
from agent.operators import MOST_CHARS, OperatorsChat
from api.console.chat.turns import Asked, Turn
from api.console.pulse import Pulse
from api.routes.chat import MOST_AT_ONCE

log = logging.getLogger(__name__)

TURNS = 40
"""Kept of one conversation."""
TALKS = 20
"""Kept of one operator."""
OPERATORS = 500
BROKE_OFF = "an unknown error; see Segue's log. You can go on asking."


class Talk:
    """One conversation of one operator."""

    def __init__(self, chat: OperatorsChat, clock: Callable[[], datetime], question: str) -> None:
        self.id = new_id()
        self.first = question
        """The first question."""
        self.began_at = clock()
        self.turns: list[Turn] = []
        self.forgotten = 0
        """Turns before those."""
        self.pulse = Pulse(soonest_s=0.03, slowest_s=60.0)
        """Beats whenever something was said."""
        self._chat = chat
        self._clock = clock
        self._answering: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is being made."""
        return self._answering is not None

    def ask(self, asker: Asker, question: str) -> Turn:
        """Begin to answer; what waits for a confirmation is dropped. Raises `Conflict`, `Refused`."""
        words = fit(question)
        self._check_free()
        before = self._said()
        for one in self.turns:
            one.drop()
        turn = Turn(question=words, at=self._clock())
        self.turns.append(turn)
        while len(self.turns) > TURNS:
            del self.turns[0]
            self.forgotten += 1
        self._begin(turn, self._chat.ask(asker, self.id, words, before))
        return turn

    def confirm(self, asker: Asker, turn: Turn, name: str, *, yes: bool) -> None:
        """Answer one confirmation, once; it goes on when all of the turn are answered. Raises `Conflict`."""
        turn.look(self._clock())
        asked = turn.asked[name]
        if not asked.open:
            self.pulse.beat()
            raise Conflict(f"this can no longer be answered. {told(asked)}")
        self._check_free()
        asked.stand, asked.by = "yes" if yes else "no", asker
        self._go_on(turn)

    def overtaken(self, turn: Turn, name: str, note: str) -> None:
        """What would be answered has been, by somebody else or by another way."""
        if turn.asked[name].open:
            turn.asked[name].close("elsewhere", note)
            self._go_on(turn)

    def look(self) -> None:
        """See what has waited too long."""
        for turn in self.turns:
            turn.look(self._clock())

    def stop(self) -> None:
        """Break off the answer that is being made."""
        if self._answering is not None:
            self._answering.cancel()

    def _check_free(self) -> None:
        if self.busy:
            asked = f"{self.turns[-1].question[:80]!r}" if self.turns else "another question"
            raise Conflict(f"this conversation is being answered already ({asked}). Wait for the answer, or stop it.")
        if self._chat.answering >= MOST_AT_ONCE:
            raise Conflict(f"{MOST_AT_ONCE} answers are being made; ask again in a moment")

    def _go_on(self, turn: Turn) -> None:
        """Hand over the answers once none is missing; what was not answered in time counts as a no."""
        given = [one for one in turn.asked.values() if not one.sent and one.result is None]
        asker = next((one.by for one in given if one.stand in ("yes", "no")), None)
        if any(one.open for one in given) or asker is None or self.busy:
            self.pulse.beat()
            return
        for one in given:
            one.sent = True
        turn.state = "answering"
        answers = {one.confirmation.id: one.stand == "yes" for one in given}
        self._begin(turn, self._chat.answer(asker, self.id, answers, self._said()))

    def _said(self) -> list[Said]:
        told = [(("operator", one.question), ("segue", one.words)) for one in self.turns]
        return [
            Said(role="operator" if role == "operator" else "segue", text=words)
            for pair in told
            for role, words in pair
            if words
        ]

    def _begin(self, turn: Turn, events: AsyncGenerator[ChatEvent]) -> None:
        task = asyncio.create_task(self._answer(turn, events), name="an answer of the console's chat")
        task.add_done_callback(lambda ended: self._over(turn, ended))
        self._answering = task
        self.pulse.beat()

    def _over(self, turn: Turn, ended: asyncio.Task[None]) -> None:
        self._answering = None
        if turn.state == "answering" and ended.cancelled():
            turn.stop()
        elif turn.state == "answering":
            _fail(turn, "internal", BROKE_OFF)
        self.pulse.beat()

    async def _answer(self, turn: Turn, events: AsyncGenerator[ChatEvent]) -> None:
        try:
            async with aclosing(events) as going:
                async for event in going:
                    turn.take(event)
                    self.pulse.beat()
        except (NotFound, Conflict, Refused) as error:
            _fail(turn, "refused", str(error))
        except Exception:
            log.exception("an answer of the console's chat failed")
            _fail(turn, "internal", BROKE_OFF)

    async def ended(self) -> None:
        """Wait for the answer that is being made."""
        if self._answering is not None:
            with suppress(asyncio.CancelledError):
                await self._answering


def _fail(turn: Turn, code: str, detail: str) -> None:
    turn.take(Over(state="failed", code=code, detail=detail))
    turn.drop()
    for asked in turn.asked.values():
        if code == "refused" and asked.sent and asked.result is None:
            asked.stand = "dropped"


def fit(question: str) -> str:
    """The question as it is asked. Raises `Refused` for none, and for one that is too long."""
    words = question.strip()
    if not words:
        raise Refused("nothing was asked; write a question first")
    if len(words) > MOST_CHARS:
        raise Refused(f"the question has {len(words):,} characters; at most {MOST_CHARS:,} are taken")
    return words


def told(asked: Asked) -> str:
    """What became of a confirmation, in words; empty while it waits."""
    result = asked.result
    if asked.stand in ("yes", "no") and not asked.sent:
        return f"You said {asked.stand}. It goes on once the others are answered, too."
    if asked.stand == "yes":
        if result is None:
            return "You said yes."
        return "You said yes, and it was done." if result.state == "done" else f"Not done: {result.error}."
    return {
        "waits": "",
        "no": "You said no; it was not done.",
        "expired": "It waited for too long, and was not done. Ask again if it is still wanted.",
        "dropped": "It was dropped before it was confirmed, and was not done. Ask again if it is still wanted.",
        "elsewhere": f"It was answered elsewhere{asked.note and f': {asked.note}'}. Nothing was done from here.",
    }[asked.stand]


class Talks:
    """The conversations of every operator, each seeing only their own."""

    def __init__(self, chat: OperatorsChat, clock: Callable[[], datetime]) -> None:
        self._chat = chat
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], OrderedDict[str, Talk]] = OrderedDict()

    def of(self, asker: Asker) -> list[Talk]:
        """The operator's, that with the latest question first."""
        return list(reversed(self._kept.get((asker.tenant, asker.name), OrderedDict()).values()))

    def find(self, asker: Asker, name: str) -> Talk | None:
        """One of the operator's own, if it is still kept."""
        return self._kept.get((asker.tenant, asker.name), OrderedDict()).get(name)

    def ask(self, asker: Asker, talk: Talk | None, question: str) -> Talk:
        """Ask in a conversation, or in a new one. Raises `Conflict`, `Refused`."""
        if talk is None:
            talk = Talk(self._chat, self._clock, fit(question))
        talk.ask(asker, question)
        self._keep(asker, talk)
        return talk

    def _keep(self, asker: Asker, talk: Talk) -> None:
        key = (asker.tenant, asker.name)
        mine = self._kept.setdefault(key, OrderedDict())
        self._kept.move_to_end(key)
        mine[talk.id] = talk
        mine.move_to_end(talk.id)
        while len(mine) > TALKS:
            mine.popitem(last=False)[1].stop()
        while len(self._kept) > OPERATORS:
            _, gone = self._kept.popitem(last=False)
            for one in gone.values():
                one.stop()
