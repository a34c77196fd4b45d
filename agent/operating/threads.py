"""What a conversation keeps between two messages: results, and what waits for a yes or no. Start with `Threads.of`.

It lies in memory, and is bounded: a conversation forgotten, or lost by a restart, is begun anew. What was asked to be
confirmed and is lost was not done, and is asked again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.canonical import digest
from agent.ids import new_id
from agent.operating.types import Asker, Confirmation, Proposal
from agent.types import Call, CallResult

MOST = 2_000
"""Conversations kept, of all operators."""
LASTS = timedelta(minutes=10)
"""For so long a proposal may be confirmed."""


@dataclass
class Waiting:
    """A call that is carried out once it is confirmed."""

    confirmation: Confirmation
    decision: int
    index: int
    call: Call
    id: str
    """Of the call as clients know it."""
    answer: bool | None = None


@dataclass
class Thread:
    """One conversation of one operator."""

    question: str = ""
    """What is being answered."""
    decision: int = 0
    results: list[CallResult] = field(default_factory=list)
    """Of the question being answered."""
    waiting: dict[str, Waiting] = field(default_factory=dict)
    """By the confirmation's id."""
    busy: bool = False
    segment: int = 0

    def begin(self, question: str) -> None:
        """A new question: what was proposed and never confirmed is not done any more."""
        self.question = question
        self.decision = 0
        self.results = []
        self.waiting = {}
        self.segment = 0


class Threads:
    """The conversations going on, by operator and the id their client gives."""

    def __init__(self, clock: Callable[[], datetime], most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[tuple[str, str, str], Thread] = OrderedDict()

    def of(self, asker: Asker, thread: str) -> Thread:
        """The conversation, another operator's of the same name is another one."""
        key = (asker.tenant, asker.name, thread)
        kept = self._kept.setdefault(key, Thread())
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            oldest = next((name for name, one in self._kept.items() if not one.busy and name != key), None)
            if oldest is None:
                break
            del self._kept[oldest]
        return kept

    def confirmation(self, proposal: Proposal) -> Confirmation:
        """A new one for it."""
        return Confirmation(
            id=new_id(),
            proposal=proposal,
            digest=digest([proposal.tool, proposal.arguments]),
            expires_at=self._clock() + LASTS,
        )

    def is_over(self, confirmation: Confirmation) -> bool:
        """Whether it has waited too long."""
        return self._clock() >= confirmation.expires_at
