"""What must hold after every crash, and what must hold in the end. Start with `Witness`.

The tools' own notes are held against the ledger: what was sent was claimed before, and what the ledger says happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.durability.cases import Rows
from tests.durability.counters import Delivery
from tests.durability.lives import CALLS, CAREFUL, CLAIMED_IDEMPOTENT, DECISIONS, READS

REPEATABLE = READS | CLAIMED_IDEMPOTENT


class Witness:
    """Sees the store and the tools' notes after every life of one case; `violations` says what must not be."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._left: dict[str, str] = {}
        """Key -> state of its effect, as the life before left it."""
        self._known = 0
        """Deliveries noted before this life."""

    def see(self, rows: Rows, deliveries: Sequence[Delivery], life: int, *, at_the_end: bool) -> None:
        """Look at what a life left, killed or not."""
        now = {row["key"]: row["state"] for row in rows["effects"]}
        self.violations += _sent(deliveries, now, self._left, self._known, life)
        self.violations += _changed(self._left, now)
        if at_the_end:
            self.violations += [*_ended(rows), *_happened(rows, deliveries), *_remembered(rows)]
        self._left, self._known = now, len(deliveries)


def _sent(
    deliveries: Sequence[Delivery], now: dict[str, str], left: dict[str, str], known: int, life: int
) -> Iterator[str]:
    """Each delivery was claimed before, comes once a life, and again only where nobody knew and the tool may repeat."""
    earlier = Counter(one.key for one in deliveries[:known])
    for (key, tool), times in Counter((one.key, one.tool) for one in deliveries[known:]).items():
        if times > 1:
            yield f"life {life} sent {key} to {tool} {times} times"
        if key not in now:
            yield f"{key} was sent to {tool} without a claim"
        if left.get(key, "claimed") != "claimed":
            yield f"life {life} sent {key} to {tool} although it was {left[key]}"
        if earlier[key] and tool not in REPEATABLE:
            yield f"life {life} sent {key} to {tool} again, which is not idempotent"


def _changed(left: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    for key, state in left.items():
        if key not in now:
            yield f"the effect {key} was {state} and is gone"
        elif state in ("done", "failed") and now[key] != state:
            yield f"the effect {key} was {state} and is {now[key]}"


def _ended(rows: Rows) -> Iterator[str]:
    """One run per event, each with its right end, nothing open, the subject not blocked."""
    ends = sorted((row["event_type"], row["status"], row["end_code"]) for row in rows["runs"])
    expected = [("customer.asked", "done", "finished"), ("customer.upset", "done", "finished")]
    if ends != expected:
        yield f"the runs are {ends} ({[row['end_detail'] for row in rows['runs']]}), expected {expected}"
    upset = _upset(rows)
    numbers = [row["number"] for row in rows["decisions"] if row["run"] == upset]
    if numbers != list(range(1, DECISIONS + 1)):
        yield f"the decisions are {numbers}, expected 1 to {DECISIONS}"
    answers = [(row["kind"], row["state"]) for row in rows["approvals"]]
    if answers != [("call", "approved"), ("question", "approved")]:
        yield f"the approvals are {answers}, expected one call and one question, both approved"


def _happened(rows: Rows, deliveries: Sequence[Delivery]) -> Iterator[str]:
    """Each call is in the ledger once, and the ledger says what the tools say."""
    effects = [row for row in rows["effects"] if row["run"] == _upset(rows)]
    if sorted(row["tool"] for row in effects) != sorted(CALLS):
        yield f"the effects are of {[row['tool'] for row in effects]}, expected one of each of {sorted(CALLS)}"
    got, acted = Counter(one.key for one in deliveries), Counter(one.key for one in deliveries if one.acted)
    for row in effects:
        key, tool, state = row["key"], row["tool"], row["state"]
        if state not in ("done", "failed"):
            yield f"{key} of {tool} is {state} in the end"
        if tool in READS:
            continue
        happened, said = acted[key], state == "done"
        if tool in CAREFUL or tool not in CLAIMED_IDEMPOTENT:
            if happened != said:
                yield f"{tool} acted {happened} times for {key}, the ledger says {state}"
        elif said != (happened > 0):
            # Whoever calls a forgetful tool idempotent gets what was sent again after a crash.
            yield f"{tool} acted {happened} times for {key}, the ledger says {state}"
        if state == "failed" and row["settled_by"] is None:
            yield f"{key} of {tool} failed, and nobody settled it"
        if tool not in REPEATABLE and got[key] > 1:
            yield f"{tool} got {key} {got[key]} times"


def _remembered(rows: Rows) -> Iterator[str]:
    """One episode a run; the outcome joined once to the run that caused it, with its reward."""
    episodes = Counter(row["id"] for row in rows["episodes"])
    if episodes != Counter(row["id"] for row in rows["runs"]):
        yield f"the episodes are of {dict(episodes)}, expected one for each run"
    upset = _upset(rows)
    outcomes = [(row["state"], row["run"]) for row in rows["outcomes"]]
    if outcomes != [("joined", upset)]:
        yield f"the outcomes are {outcomes}, expected one joined to {upset}"
    rewards = [(row["goal"], row["run"], row["reward"]) for row in rows["rewards"]]
    if rewards != [("loyalty", upset, 1.0)]:
        yield f"the rewards are {rewards}, expected loyalty 1.0 of {upset}"


def _upset(rows: Rows) -> str | None:
    return next((row["id"] for row in rows["runs"] if row["event_type"] == "customer.upset"), None)
