"""One run as a line of a list, in words. Start with `row`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.operating.wording import listed
from agent.store.queries import Shown
from api.console.words import ago, at, moment_of, number, span
from api.terminal import line


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """What is shown of a run."""

    id: str
    seq: int
    status: str
    title: str
    """`order.delayed about ORD-7`."""
    did: str
    """What was done, or is waited for."""
    end: str
    """Why it ended as it did, where that is no matter of course."""
    by: str
    began_at: datetime
    took: str

    def ago(self, now: datetime) -> str:
        """How long ago it began."""
        return ago(self.began_at, now)

    @property
    def at(self) -> str:
        """When it began."""
        return at(self.began_at)


def row(run: Shown) -> RunRow:
    """From what `RunLists` gives."""
    began, closed = moment_of(run["created_at"]), run["closed_at"]
    batch = f", {number(run['events'])} events together" if run["events"] > 1 else ""
    end = run["end"]
    told = end is not None and run["status"] != "done"
    return RunRow(
        id=run["id"],
        seq=run["seq"],
        status=run["status"],
        title=f"{line(run['type'], 80)} about {line(run['subject'], 80)}{batch}",
        did=" ".join(part for part in (_did(run["effects"], run["effects_more"]), _waits(run)) if part),
        end=line(end["detail"] or end["code"], 200) if told else "",
        by=line(run["decided_by"], 40),
        began_at=began,
        took="" if closed is None else f"took {span(max(0.0, (moment_of(closed) - began).total_seconds()))}",
    )


def _did(effects: Sequence[tuple[str, str]], more: int) -> str:
    """`look_up and pause_mail; pay_back failed`."""
    if not effects:
        return ""
    told = {state: list(dict.fromkeys(line(tool, 60) for tool, was in effects if was == state)) for _, state in effects}
    said = {"done": "{}", "failed": "{} failed", "unknown": "{} in doubt", "claimed": "{} going on"}
    parts = [words.format(listed(told[state])) for state, words in said.items() if state in told]
    return f"{'; '.join(parts)}{f' and {more} more' if more else ''}."


def _waits(run: Shown) -> str:
    asked = [line(tool or "", 60) if kind == "call" else "a question" for kind, tool in run["waits_for"]]
    if run["status"] == "waiting":
        approvals = [one for one in asked if one != "a question"]
        parts = [f"the approval of {listed(approvals)}"] if approvals else []
        parts += ["an answer to a question"] if "a question" in asked else []
        return f"Waits for {listed(parts)}." if parts else "Waits for a person to settle an effect."
    return f"Held by a pause: {line(run['held'], 80)}." if run["held"] else ""
