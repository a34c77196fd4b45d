"""How much of a run somebody has seen, as one short text: the id of an event of a stream. Start with `Seen`.

The text is a state vector: the run's status, the number of decisions, and per call how far its effect and its approval
are. What is new for its holder is the difference to the rows of now, so nothing has to be kept about who has seen what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

LONGEST = 8_192
"""Characters of a text; a run of 100 decisions and 200 calls takes some 320."""
POSITIONS = 256
"""Calls of one decision."""

STATUSES: Final = {
    "": "n",
    "queued": "q",
    "running": "r",
    "waiting": "w",
    "done": "d",
    "stopped": "s",
    "failed": "f",
    "cancelled": "c",
}
ENDED: Final = frozenset({"done", "stopped", "failed", "cancelled"})
_BY_LETTER = {letter: status for status, letter in STATUSES.items()}
_TEXT = re.compile(
    r"1-([0-9A-Za-z]{1,6})-([nqrwdsfc])(h?)-([0-9]{1,6})-([0-9]{1,6})-([0-9]{1,6})-([0-9ab.]*)", re.ASCII
)

CLAIMED, ENDED_CALL, SETTLED = 1, 2, 3
"""How far an effect is."""
ASKED, ANSWERED = 1, 2
"""How far an approval is."""


class SeenError(ValueError):
    """A text that no stream of this run has sent."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where the run stands; another one is news."""

    status: str = ""
    segment: int = 0
    attempts: int = 0
    held: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more is done."""
        return self.status in ENDED


BEGINNING: Final = Standing()
"""Of a run of which nothing has been seen."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the holder of the text has been told."""

    standing: Standing = BEGINNING
    decisions: int = 0
    """Number of the last decision."""
    cells: tuple[str, ...] = ()
    """Per decision a hexadecimal digit per call: stage of its effect, and four times the stage of its approval."""

    def effect(self, decision: int, position: int) -> int:
        """How far the effect was; 0 if it was not there."""
        return self._cell(decision, position) % 4

    def approval(self, decision: int, position: int) -> int:
        """How far the approval was; 0 if it was not there."""
        return self._cell(decision, position) // 4

    def with_effect(self, decision: int, position: int, stage: int) -> Seen:
        """The same with an effect that far."""
        return self._with(decision, position, self._cell(decision, position) // 4 * 4 + stage)

    def with_approval(self, decision: int, position: int, stage: int) -> Seen:
        """The same with an approval that far."""
        return self._with(decision, position, self._cell(decision, position) % 4 + 4 * stage)

    def text(self, run: str) -> str:
        """The id of the event after which this much has been seen."""
        standing = self.standing
        at = f"{STATUSES[standing.status]}{'h' if standing.held else ''}-{standing.segment}-{standing.attempts}"
        return f"1-{_tag(run)}-{at}-{self.decisions}-{'.'.join(self.cells).rstrip('.')}"

    @classmethod
    def parse(cls, text: str, run: str) -> Seen:
        """What was seen of this run, from anybody's text. Raises `SeenError`."""
        found = _TEXT.fullmatch(text) if len(text) <= LONGEST else None
        if found is None:
            raise SeenError("the id is none that a stream has sent")
        tag, letter, held, segment, attempts, decisions, cells = found.groups()
        if tag != _tag(run):
            raise SeenError("the id is of the stream of another run")
        parts = tuple(cells.split(".")) if cells else ()
        if len(parts) > int(decisions) or any(len(part) > POSITIONS for part in parts):
            raise SeenError("the id tells of calls of no decision")
        standing = Standing(status=_BY_LETTER[letter], segment=int(segment), attempts=int(attempts), held=held == "h")
        return cls(standing=standing, decisions=int(decisions), cells=parts)

    def _cell(self, decision: int, position: int) -> int:
        if decision > len(self.cells) or position >= len(self.cells[decision - 1]):
            return 0
        return int(self.cells[decision - 1][position], 16)

    def _with(self, decision: int, position: int, cell: int) -> Seen:
        cells = list(self.cells) + [""] * (decision - len(self.cells))
        digits = cells[decision - 1].ljust(position + 1, "0")
        cells[decision - 1] = f"{digits[:position]}{cell:x}{digits[position + 1 :]}"
        return replace(self, cells=tuple(cells))


def _tag(run: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "0", run[-6:])
