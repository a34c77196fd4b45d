"""One question and what came of it: steps, words, cards, and what was to be confirmed. Start with `Turn`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from agent.operating.types import Asker, Asks, Card, ChatEvent, Confirmation, Over, Returned, Wrote
from agent.thumbs import Thumb
from api.console.chat.linking import is_run

Stand: TypeAlias = Literal["waits", "yes", "no", "expired", "dropped", "elsewhere"]
"""What became of a confirmation: `elsewhere` is one whose approval somebody has answered by another way."""
TurnState: TypeAlias = Literal["answering", "waiting", "over", "stopped"]


@dataclass
class Asked:
    """Something that was to be confirmed."""

    confirmation: Confirmation
    call: str
    stand: Stand = "waits"
    sent: bool = False
    """Whether the answer is on its way; nothing changes it any more."""
    by: Asker | None = None
    note: str = ""
    """Who answered elsewhere."""
    result: Returned | None = None
    """What came of the answer."""

    @property
    def open(self) -> bool:
        """Whether it may be answered."""
        return self.stand == "waits"

    def close(self, stand: Stand, note: str = "") -> None:
        """It cannot be answered any more; what was answered and is on its way stays so."""
        if not self.sent and self.stand in ("waits", "yes", "no"):
            self.stand, self.note = stand, note


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A thumb that was given."""

    run: str
    which: Thumb
    reason: str | None
    outcome: str


@dataclass
class Turn:
    """What an operator asked, and all that followed."""

    question: str
    at: datetime
    state: TurnState = "answering"
    events: list[ChatEvent] = field(default_factory=list)
    """In their order; only ever added to."""
    asked: dict[str, Asked] = field(default_factory=dict)
    """By the confirmation's id."""
    judged: Judged | None = None

    def take(self, event: ChatEvent) -> None:
        """One more event."""
        self.events.append(event)
        match event:
            case Asks():
                one = event.confirmation
                self.asked[one.id] = Asked(confirmation=one, call=event.call)
            case Returned():
                for asked in self.asked.values():
                    if asked.call == event.id:
                        asked.result = event
            case Over():
                self.state = "waiting" if event.state == "waiting" else "over"
            case _:
                pass

    def stop(self) -> None:
        """It was broken off: what was not confirmed by then is not done."""
        self.state = "stopped"
        self.drop()

    def drop(self) -> None:
        """What waits for a confirmation is not done any more."""
        for asked in self.asked.values():
            asked.close("dropped")

    def look(self, now: datetime) -> None:
        """See what has waited too long."""
        for asked in self.asked.values():
            if now >= asked.confirmation.expires_at:
                asked.close("expired")

    @property
    def waits(self) -> bool:
        """Whether something may still be confirmed."""
        return any(one.open for one in self.asked.values())

    @property
    def in_doubt(self) -> bool:
        """Whether something that was confirmed was broken off before it was known to be done."""
        doubtful = [one for one in self.asked.values() if one.sent and one.stand == "yes" and one.result is None]
        return self.state != "answering" and bool(doubtful)

    @property
    def words(self) -> str:
        """Of the answer."""
        return "\n".join(one.text for one in self.events if isinstance(one, Wrote))

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Questions that follow."""
        return next((one.suggestions for one in reversed(self.events) if isinstance(one, Over)), ())

    @property
    def cards(self) -> list[Card]:
        """What it is about, each once."""
        return list({(one.kind, one.id): one for one in self._cards()}.values())

    def _cards(self) -> Iterator[Card]:
        for event in self.events:
            if isinstance(event, Returned) and event.found is not None:
                yield from event.found.cards
            elif isinstance(event, Asks):
                yield from event.confirmation.proposal.cards

    @property
    def about(self) -> str | None:
        """The one run that the answer is about, unless it is about several, or about something else."""
        found = [card for card in self.cards if card.kind in ("run", "approval", "effect")]
        others = {str(card.detail.get("run", card.id)) for card in found if card.kind != "run"}
        runs = {card.id for card in found if card.kind == "run"}
        (*one,) = runs
        return one[0] if len(one) == 1 and others <= runs and is_run(one[0]) else None

    @property
    def no_runs(self) -> set[str]:
        """Ids in it that are no run's."""
        return {card.id for card in self.cards if card.kind != "run"} | {
            str(event.found.data["outcome"])
            for event in self.events
            if isinstance(event, Returned) and event.found is not None and "outcome" in event.found.data
        }
