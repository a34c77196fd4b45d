"""What past runs that went like the one at hand did next, and how well it is proven. Start with `propose`.

A plan is what a run did, decision by decision: the set of actions of each, in the end the empty one. Peers are past
runs whose plan begins with what was done so far. What the peers did next is told apart by what they knew (the same
trees as habits); how well that is proven, by those of them that took it in a like situation.

    w_i   = agree(f, f_i), or without features exp((sim_i - 1) / h_bare), 0 for a text that is not near
    n     = sum of w_i,   m = sum of w_i * reward_i / n
    lower = (m + z^2/2n - z * sqrt(m (1 - m) / n + z^2/4n^2)) / (1 + z^2/n)

`lower` is the lower end of Wilson's score interval (1927), one-sided at 95 %. It is made for shares; for rewards in
[0, 1] it is cautious, as no such reward varies more than m (1 - m) (Bhatia and Davis 2000).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

from agent.actions import fingerprint
from agent.deciders.habit_rules import Facts, Sample, leaf
from agent.deciders.known import knowledge
from agent.deciders.novelty import strange
from agent.portfolio.model import Reflex
from agent.types import CallResult, GaveWay, PastRun, Situation
from memory.likeness import agree
from memory.settings import Settings

Wave: TypeAlias = frozenset[str]
"""The actions of one decision; none: the run was over."""

Z = 1.6449
"""Quantile of the normal distribution at 95 %."""
DEPTH = 4
"""Questions in a row by which peers are told apart; more than for habits, as nothing is done that is not proven."""
WHOLE = 1.0
"""Summed likeness from which another plan counts as one."""


@dataclass(frozen=True, kw_only=True)
class Peer(Sample):
    """A past run that did the same so far."""

    run: PastRun
    wave: Wave
    """What it did next."""
    likeness: float


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What like runs did next, and how they ended."""

    wave: Wave
    peers: tuple[Peer, ...]
    """Those that did it, the likest first."""
    count: float
    """Their summed likeness."""
    mean: float
    lower: float
    rival: float | None
    """Mean reward of the best other plan; None: like runs took no other."""
    spared: int
    """Tokens that a model's decision cost here."""

    @property
    def in_words(self) -> str:
        """The counts."""
        others = "took no other plan" if self.rival is None else f"that did otherwise earned {self.rival:.2f} at best"
        return (
            f"{len(self.peers)} past runs did the same here ({self.count:.1f} by likeness), mean reward "
            f"{self.mean:.2f}, at least {self.lower:.2f}; like runs {others}"
        )


class Unproven(Exception):
    """The model must be asked; says why, and in one word."""

    def __init__(self, reason: GaveWay, why: str) -> None:
        super().__init__(why)
        self.reason = reason


def propose(situation: Situation, reflex: Reflex, settings: Settings) -> Proof:
    """What is proven to come next. Raises `Unproven`. Takes some hundredths of a second."""
    own = _waves_of(situation)
    facts, peers = _peers(situation, own, settings)
    count = math.fsum(peer.likeness for peer in peers)
    if count < reflex.episodes:
        raise Unproven(
            "few", f"{len(peers)} graded runs went like this ({count:.1f} by likeness), {reflex.episodes} needed"
        )
    if not any(run.id in situation.near for run in situation.past):
        raise Unproven("unlike", "no graded run was about anything like this")
    wave, same = _next(peers, facts)
    took = sorted((peer for peer in same if peer.wave == wave), key=lambda peer: -peer.likeness)
    if not took:
        raise Unproven("disagree", "like runs do not agree on what comes next")
    new = strange(facts, [peer.facts for peer in took])
    if new is not None:
        raise Unproven("new", f"something is new: {new}")
    if len(wave) > situation.budget.calls:
        raise Unproven("budget", "the plan needs more calls than the run has left")
    return _proven(wave, took, [peer for peer in same if peer.wave != wave], reflex, situation.decision)


def _waves_of(situation: Situation) -> tuple[Wave, ...]:
    """What was done so far, where all went as it should."""
    if len(situation.events) > 1:
        raise Unproven("surprise", "several events are handled at once")
    for result in situation.results:
        if result.decided_by == "operator":
            raise Unproven("surprise", "an operator had a say in this run")
        if result.state != "done":
            raise Unproven("surprise", f"a call of {result.call.tool!r} was not done: {result.state}")
    waves = _waves(situation.results)
    if waves is None or len(waves) != situation.decision - 1:
        raise Unproven("surprise", "this run has a decision that made no calls, or made one twice")
    return waves


def _waves(results: Sequence[CallResult]) -> tuple[Wave, ...] | None:
    """The actions by decision; None where a decision is missing or has an action twice."""
    ordered = sorted(results, key=lambda result: result.decision)
    waves: list[Wave] = []
    for number, group in groupby(ordered, key=lambda result: result.decision):
        actions = [result.call.action for result in group]
        if number != len(waves) + 1 or len(set(actions)) != len(actions):
            return None
        waves.append(frozenset(actions))
    return tuple(waves)


def _peers(situation: Situation, own: tuple[Wave, ...], settings: Settings) -> tuple[Facts, list[Peer]]:
    """What is known, and the runs that went the same way so far, with what they knew and did then."""
    schemas = {tool.name: fingerprint(tool) for tool in situation.tools}
    subjects = frozenset({situation.event.subject, *(run.subject for run in situation.past)})
    at = situation.decision
    peers: list[Peer] = []
    for run in situation.past:
        plan = _plan(run, schemas)
        likeness = _likeness(situation, run, settings)
        if plan is not None and plan[: at - 1] == own and len(plan) >= at and likeness > 0:
            facts = knowledge(run, subjects).before(at)
            peers.append(
                Peer(facts=facts, done=False, reward=run.reward, run=run, wave=plan[at - 1], likeness=likeness)
            )
    here = PastRun(
        id=situation.run,
        reward=0.0,
        subject=situation.event.subject,
        data=situation.event.data,
        results=situation.results,
    )
    return knowledge(here, subjects).before(None), peers


def _plan(run: PastRun, schemas: Mapping[str, str]) -> tuple[Wave, ...] | None:
    """The plan of a run that can be followed: an outcome, no fault, no operator, and tools that are as they were."""
    turns = run.turns
    if run.weight < 1.0 or not turns or [turn.kind for turn in turns] != ["act"] * (len(turns) - 1) + ["finish"]:
        return None
    noted = {turn.number: turn.schemas for turn in turns}
    for result in run.results:
        tool = result.call.tool
        known = noted.get(result.decision, {}).get(tool)
        if result.state != "done" or result.decided_by == "operator" or known is None or known != schemas.get(tool):
            return None
    waves = _waves(run.results)
    return None if waves is None or len(waves) != len(turns) - 1 else (*waves, frozenset())


def _likeness(situation: Situation, run: PastRun, settings: Settings) -> float:
    """w_i of the formula."""
    if situation.features.keys() & run.features.keys():
        return agree(situation.features, run.features, settings.mismatch)
    cosine = situation.near.get(run.id)
    if cosine is None:
        return 0.0
    return math.exp((min(cosine, 1.0) - 1.0) / settings.h_bare)


def _next(peers: Sequence[Peer], facts: Facts) -> tuple[Wave, list[Peer]]:
    """The actions that peers which knew the like did next, and these peers. Raises `Unproven`."""
    chosen: set[str] = set()
    same = {peer.run.id for peer in peers}
    for action in sorted({action for peer in peers for action in peer.wave}):
        verdict, alike = leaf([replace(peer, done=action in peer.wave) for peer in peers], facts, DEPTH)
        if verdict == "doubtful":
            raise Unproven("disagree", f"like runs do not agree on {action!r}")
        if verdict == "do":
            chosen.add(action)
        same &= {peer.run.id for peer in alike}
    return frozenset(chosen), [peer for peer in peers if peer.run.id in same]


def _proven(wave: Wave, took: Sequence[Peer], others: Sequence[Peer], reflex: Reflex, at: int) -> Proof:
    count, mean = _earned(took)
    if count < reflex.episodes:
        raise Unproven(
            "few", f"{len(took)} like runs took the plan ({count:.1f} by likeness), {reflex.episodes} needed"
        )
    lower = wilson(mean, count)
    if lower < reflex.lower:
        raise Unproven("low", f"the plan's mean reward is at least {lower:.2f}; {reflex.lower:g} needed")
    rival = _best(others)
    if rival is not None and mean < rival + reflex.margin:
        raise Unproven(
            "rival", f"the plan earned {mean:.2f}, another {rival:.2f}; it must be better by {reflex.margin:g}"
        )
    costs = [turn.tokens for peer in took for turn in peer.run.turns if turn.number == at]
    spared = round(math.fsum(costs) / len(costs)) if costs else 0
    return Proof(wave=wave, peers=tuple(took), count=count, mean=mean, lower=lower, rival=rival, spared=spared)


def _earned(peers: Sequence[Peer]) -> tuple[float, float]:
    """Summed likeness and mean reward."""
    count = math.fsum(peer.likeness for peer in peers)
    return count, min(1.0, math.fsum(peer.likeness * peer.reward for peer in peers) / count)


def _best(others: Sequence[Peer]) -> float | None:
    """Mean reward of the best other plan that makes up a whole like run."""
    earned = [_earned([peer for peer in others if peer.wave == wave]) for wave in {peer.wave for peer in others}]
    return max((mean for count, mean in earned if count >= WHOLE), default=None)


def wilson(mean: float, count: float) -> float:
    """`lower` of the formula."""
    square = Z * Z / count
    spread = Z * math.sqrt(mean * (1.0 - mean) / count + square / (4.0 * count))
    return max(0.0, (mean + square / 2.0 - spread) / (1.0 + square))
