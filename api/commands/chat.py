"""`segue chat`: questions in words, looked-up answers, and acts after a confirmation."""

# No postponed annotations here: typer reads them while the commands are made.

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_URL, ApiKey, Url
from api.terminal import Screen, clean, compact, line, reported

if TYPE_CHECKING:
    from api.conversing import Conversation

Ask = Callable[[str], str | None]
"""A line from whoever sits there; None where nobody does, or nothing more comes."""

ENDINGS = frozenset({"exit", "quit", "bye", "\\q"})
WELCOME = "Ask about runs, tools and what waits; Ctrl-C stops an answer, Ctrl-D ends. Try: what can you do"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("chat")(chat)


def chat(
    question: Annotated[
        list[str] | None, typer.Argument(help="One question; without one a conversation begins.", show_default=False)
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Show what is looked up, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events of AG-UI, one JSON object a line.")] = False,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
) -> None:
    """Ask a running Segue in words. What would change something is shown exactly, and done after a yes only.

    Questions also come from standard input, one a line; nothing is confirmed there, so that nothing is done.
    """
    from api.client import connected
    from api.conversing import Conversation

    screen = Screen()
    talk = _Talk(screen, steps=steps, as_json=as_json, asked=_ask if sys.stdin.isatty() and not as_json else _nobody)
    with reported(), connected(url, key) as client:
        conversation = Conversation(client)
        if question:
            if not talk.about(conversation, " ".join(question)):
                raise typer.Exit(1)
            return
        if sys.stdin.isatty() and not as_json:
            screen.say(WELCOME, "dim")
        for asked in _questions():
            talk.about(conversation, asked)


def _questions() -> Iterator[str]:
    here = sys.stdin.isatty()
    while True:
        found = _ask("you> ") if here else sys.stdin.readline()
        if not found and (found is None or not here):
            return
        words = found.strip()
        if here and words.lower() in ENDINGS:
            return
        if words:
            yield words


class _Talk:
    """Shows answers, and asks for confirmations."""

    def __init__(self, screen: Screen, *, steps: bool, as_json: bool, asked: Ask) -> None:
        self._screen = screen
        self._steps = steps
        self._as_json = as_json
        self._asked = asked

    def about(self, conversation: "Conversation", question: str) -> bool:
        """Whether the question was answered; of a conversation a failed answer ends nothing but itself."""
        try:
            well = self._shown(conversation.ask(question))
            while conversation.interrupts:
                answers = {str(one.get("id")): self._confirmed(one) for one in conversation.interrupts}
                well = self._shown(conversation.answer(answers)) and well
            return well
        except KeyboardInterrupt:
            self._screen.say("stopped", "dim")
            return False

    def _shown(self, events: Iterator[dict[str, Any]]) -> bool:
        well = True
        for event in events:
            well = well and event.get("type") != "RUN_ERROR"
            if self._as_json:
                self._screen.json_line(event)
            else:
                self._show(event)
        return well

    def _show(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "TEXT_MESSAGE_CONTENT":
                self._screen.say(str(event.get("delta", "")))
            case "RUN_ERROR":
                self._screen.say(f"That could not be answered: {event.get('message')}", "red")
            case "CUSTOM" if event.get("name") == "segue.suggestions":
                told = event.get("value")
                for one in told if isinstance(told, list) else []:
                    self._screen.say(f"  you could ask: {line(one)}", "dim")
            case "REASONING_MESSAGE_CONTENT" if self._steps:
                self._screen.say(f"  {line(event.get('delta'), 300)}", "dim")
            case "TOOL_CALL_START" if self._steps:
                self._screen.say(f"  looking: {line(event.get('toolCallName'))}", "dim")
            case "TOOL_CALL_ARGS" if self._steps:
                self._screen.say(f"    with {compact(event.get('delta'), 300)}", "dim")
            case _:
                pass

    def _confirmed(self, interrupt: dict[str, Any]) -> bool:
        from api.conversing import shown_arguments

        if not self._as_json:
            self._screen.say(clean(interrupt.get("message")), "bold")
            self._screen.say(shown_arguments(interrupt))
        answer = self._asked("Do exactly this? [y/N] ")
        if answer is None and not self._as_json:
            self._screen.say("Nobody is here to confirm it, so it is not done.", "dim")
        return answer is not None and answer.strip().lower() in {"y", "yes"}


def _ask(prompt: str) -> str | None:
    try:
        return input(prompt)
    except EOFError:
        return None


def _nobody(_: str) -> None:
    return None
