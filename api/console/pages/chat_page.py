"""The operators' chat as a page: what is said, kept up to date, and what is done after a yes. Start with `register`.

What is said is kept in `Talks`; a page only shows one of them, and may be opened as often as one likes.
"""

from __future__ import annotations

import asyncio
from importlib.resources import files

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

from agent.errors import Conflict
from agent.operating.types import Asker
from agent.operators import MOST_CHARS
from agent.thumbs import Thumb
from api.access import Caller
from api.console.chat.cards import LIVE, Known
from api.console.chat.making import put, refocus, said
from api.console.chat.talks import TALKS, Talk, Talks
from api.console.chat.thumbing import judge
from api.console.chat.turn_view import Acts, TurnView, suggested, taken
from api.console.chat.turns import Turn
from api.console.frame import Console, View, button, link, now, page
from api.console.gate import MOUNT
from api.console.words import ago, at
from api.terminal import clean, line

SCRIPT = files("api.console.chat").joinpath("chat.js").read_text(encoding="utf-8")
PAGE = f"{MOUNT}/chat"
EXAMPLES = (
    "What is waiting for me?",
    "What happened today?",
    "Which tool fails most this week?",
    "What did we learn this week?",
    "What can you do?",
)
LIVE_TURNS = 10
"""The latest ones, whose cards are kept up to date."""
GONE = (
    "This conversation is not kept any more: Segue was started again since, or it was the oldest of many. What it "
    "proposed and nobody confirmed was not done. A new conversation begins here."
)


def register(console: Console) -> None:
    """Make the page."""
    talks = Talks(console.chat, now)

    @ui.page("/chat")
    async def show(talk: str = "", ask: str = "") -> None:
        view = page(console, "/chat", "Chat")
        ChatPage(view, talks, talk, ask[:MOST_CHARS]).build()


def asker_of(caller: Caller) -> Asker:
    """Who asks, as the chat knows them."""
    return Asker(tenant=caller.tenant, name=caller.name, scopes=frozenset(caller.scopes))


class ChatPage:
    """One open page."""

    def __init__(self, view: View, talks: Talks, talk: str, ask: str) -> None:
        self._view = view
        self._talks = talks
        self._me = asker_of(view.session.caller)
        self._talk = talks.find(self._me, talk) if talk else None
        self._gone = bool(talk) and self._talk is None
        self._fill = ask
        self._turns: list[TurnView] = []
        self._listing = asyncio.Lock()
        self._history: object = None
        self._acts = Acts(ask=self._ask, confirm=self._confirm, judge=self._judge, judges=view.may("steer"))

    def build(self) -> None:
        """Lay it out, and keep it up to date."""
        ui.add_body_html(f"<script>{SCRIPT}</script>")
        with ui.element("main").classes("sg-page"):
            with ui.element("h1"):
                ui.label("Chat")
            with put("div", "sg-chat"):
                with put("section", "sg-talk", aria_label="Conversation"):
                    if self._gone:
                        ui.label(GONE).classes("sg-gone").props('role="status"')
                    self._empty = put("div", "sg-card")
                    self._forgotten = ui.label("").classes("sg-quiet sg-small")
                    self._place = put("div", "sg-turns")
                    self._composer()
                with put("aside", "sg-earlier", aria_label="Conversations"):
                    link("New conversation", PAGE).classes("sg-button")
                    with put("details"):
                        with put("summary"), ui.element("h2"):
                            ui.label("Earlier conversations").classes("sg-inline")
                        self._earlier = put("div", "sg-pasts")
        with self._empty:
            self._examples()
        ui.run_javascript("sgChat.begin()")
        self._view.follow(self._refresh)
        if self._talk is not None:
            self._view.follow(self._refresh, self._talk.pulse)

    def _examples(self) -> None:
        with ui.element("h2"):
            ui.label("Ask what happened, why, and what waits")
        acts = "What would change something is shown exactly, and done only after your yes."
        ui.label(
            acts
            if any(self._view.may(scope) for scope in self._view.console.chat.scopes.values() if scope != "read")
            else "Your key may read: the chat looks up, and changes nothing."
        )
        with put("div", "sg-row"):
            for one in EXAMPLES:
                suggested(one, self._ask)

    def _composer(self) -> None:
        with put("div", "sg-composer"):
            field = TextElement(tag="textarea", text=self._fill)
            field.classes("sg-field sg-ask")
            field.props["rows"], field.props["maxlength"] = "2", str(MOST_CHARS)
            field.props["placeholder"] = field.props["aria-label"] = "Ask Segue"
            field.on("keydown", self._sent, js_handler="(event) => sgChat.keys(event, emit)")
            with put("div", "sg-row"):
                hint = "Enter sends, Shift+Enter breaks the line, ↑ brings the last question back."
                ui.label(hint).classes("sg-quiet sg-small sg-grow sg-keys")
                self._busy = ui.label("").classes("sg-quiet sg-small")
                self._stop = button("Stop", self._stopped)
                with put("button", "sg-button sg-first", type="button") as self._send:
                    ui.label("Send")
                self._send.on("click", self._sent, js_handler="() => emit(sgChat.value())")

    async def _sent(self, event: GenericEventArguments) -> None:
        await self._ask(said(event))

    async def _ask(self, question: str) -> None:
        async def work(caller: Caller) -> Talk:
            return self._talks.ask(asker_of(caller), self._talk, question)

        found = await self._view.act("read", work)
        if found is None:
            return
        taken(question)
        if self._talk is None:
            self._talk = found
            ui.navigate.history.replace(f"{PAGE}?talk={found.id}")
            self._view.follow(self._refresh, found.pulse)

    async def _confirm(self, turn: Turn, name: str, yes: bool) -> None:
        talk, act = self._talk, turn.asked[name].confirmation.proposal.tool

        async def work(caller: Caller) -> bool:
            if talk is None:
                raise Conflict("this conversation is not kept any more; nothing was done")
            talk.confirm(asker_of(caller), turn, name, yes=yes)
            return True

        await self._view.act(self._view.console.chat.scopes[act] if yes else "read", work)
        refocus()

    async def _judge(self, turn: Turn, which: Thumb, reason: str) -> None:
        async def work(caller: Caller) -> bool:
            await judge(self._view.segue, caller, turn, which, reason)
            return True

        if await self._view.act("steer", work) and self._talk is not None:
            self._talk.pulse.beat()
        refocus()

    async def _stopped(self) -> None:
        if self._talk is not None:
            self._talk.stop()
        refocus()

    async def _refresh(self) -> None:
        async with self._listing:
            if self._talk is not None:
                self._talk.look()
                await self._see_elsewhere(self._talk)
            known, moment = await self._known(), now()
            self._show_turns(known)
            self._show_state()
            self._show_history(moment.replace(second=0, microsecond=0))

    def _show_turns(self, known: Known) -> None:
        turns = [] if self._talk is None else [*self._talk.turns]
        while self._turns and self._turns[0].turn not in turns:
            self._turns.pop(0).place.delete()
        for turn in turns[len(self._turns) :]:
            with self._place:
                self._turns.append(TurnView(turn, self._acts, now()))
        for number, one in enumerate(self._turns, start=1):
            if number > len(self._turns) - LIVE_TURNS or one.turn.state == "answering":
                one.update(known, now(), last=number == len(self._turns))

    def _show_state(self) -> None:
        talk = self._talk
        busy, begun = talk is not None and talk.busy, talk is not None and bool(talk.turns)
        self._empty.set_visibility(not begun)
        self._stop.set_visibility(busy)
        self._send.set_visibility(not busy)
        self._busy.set_text("Being answered…" if busy else "")
        lost = 0 if talk is None else talk.forgotten
        self._forgotten.set_text(f"{lost} earlier questions are not kept any more." if lost else "")
        self._forgotten.set_visibility(bool(lost))

    async def _known(self) -> Known:
        if self._talk is None:
            return Known()
        cards = [card for turn in self._talk.turns[-LIVE_TURNS:] for card in turn.cards]
        wanted = {kind: {card.id for card in cards if card.kind == kind} for kind in LIVE}
        tenant, segue = self._me.tenant, self._view.segue
        standing = await segue.desk.standing(tenant, wanted) if any(wanted.values()) else Known().standing
        if not any(card.kind == "tool" for card in cards):
            return Known(standing=standing)
        paused = {one["name"]: str(one["by"]) for one in await segue.pauses.list(tenant) if one["scope"] == "tool"}
        return Known(standing=standing, tools=segue.tools(), paused=paused)

    async def _see_elsewhere(self, talk: Talk) -> None:
        """Take back what asks to answer an approval that somebody has answered by now."""
        open_ = {
            name: (turn, str(asked.confirmation.proposal.arguments["approval"]))
            for turn in talk.turns
            for name, asked in turn.asked.items()
            if asked.open and "approval" in asked.confirmation.proposal.arguments
        }
        if not open_:
            return
        wanted = {"approval": {approval for _, approval in open_.values()}}
        found = (await self._view.segue.desk.standing(self._me.tenant, wanted)).approvals
        for name, (turn, approval) in open_.items():
            stands = found.get(approval)
            if stands is not None and stands.state != "pending":
                talk.overtaken(turn, name, f"{stands.state} by {clean(stands.by or 'nobody')}")

    def _show_history(self, moment: object) -> None:
        talks = self._talks.of(self._me)
        shown = (moment, [one.id for one in talks], self._talk)
        if shown == self._history:
            return
        self._history = shown
        self._earlier.clear()
        with self._earlier:
            for one in talks:
                with put("div", "sg-past"):
                    opens = link(line(one.first, 60), f"{PAGE}?talk={one.id}")
                    if one is self._talk:
                        opens.props('aria-current="true"')
                    told = ui.label(ago(one.began_at, now())).classes("sg-quiet sg-small")
                    told.props["title"] = at(one.began_at)
            if not talks:
                ui.label("None yet.").classes("sg-empty")
            note = f"Yours alone, the latest {TALKS}. They are kept until Segue is started again."
            ui.label(note).classes("sg-quiet sg-small")
