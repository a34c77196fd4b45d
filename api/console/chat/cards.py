"""What a card says of a run, an approval, an effect, a tool, a lesson or an event. Start with `card_said`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agent.operating.types import Card
from agent.store.queries import Shown
from agent.store.standing import Standing
from api.console.chat.linking import approval_page, run_page
from api.console.plain import said
from api.console.words import ago, moment_of
from api.terminal import line

MOST = 8
"""Shown of one answer."""
LIVE = ("run", "approval", "effect")


@dataclass(frozen=True, kw_only=True)
class CardSaid:
    """A card in words."""

    kind: str
    title: str
    state: str | None
    detail: str
    href: str | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is so now."""

    standing: Standing = field(default_factory=Standing)
    tools: Sequence[Shown] = ()
    paused: Mapping[str, str] = field(default_factory=dict)
    """Tool -> who paused it."""


def card_said(card: Card, known: Known, now: datetime) -> CardSaid:
    """As of now."""
    state, detail, href = {"run": _run, "approval": _approval, "effect": _effect, "tool": _tool}.get(card.kind, _other)(
        card, known, now
    )
    title = card.id if card.kind == "tool" else card.title
    return CardSaid(kind=card.kind, title=line(title, 160), state=state, detail=line(detail, 240), href=href)


Told = tuple[str | None, str, str | None]


def _run(card: Card, known: Known, now: datetime) -> Told:
    found = known.standing.runs.get(card.id)
    if found is None:
        return None, "This run is not there any more.", None
    about = f"{line(found.type, 80)} about {line(found.subject, 80)}"
    end = f". {line(found.detail, 120)}" if found.detail else ""
    return found.status, f"{'' if card.title == about else f'{about}, '}{ago(found.at, now)}{end}", run_page(card.id)


def _approval(card: Card, known: Known, now: datetime) -> Told:
    found = known.standing.approvals.get(card.id)
    if found is None:
        return None, "This approval is not there any more.", None
    if found.by is None or found.answered_at is None:
        return found.state, f"Asked {ago(found.at, now)}; its run waits for the answer.", approval_page(card.id)
    return found.state, f"By {line(found.by, 60)}, {ago(found.answered_at, now)}.", run_page(found.run)


def _effect(card: Card, known: Known, now: datetime) -> Told:
    run = card.id.partition(":")[0]
    state = known.standing.effects.get(card.id)
    if state is None:
        return None, "This effect is not there any more.", None
    note = "Nobody knows whether it happened; it is not tried again." if state == "unknown" else f"Effect {card.id}"
    return state, note, run_page(run)


def _tool(card: Card, known: Known, now: datetime) -> Told:
    found = next((one for one in known.tools if one["name"] == card.id), None)
    if found is None:
        return "gone", "It is not registered now.", None
    of = "".join(f", {name} {found[name]}" for name in ("step", "owner") if found[name])
    about = f"{line(card.title, 120).rstrip('.')}. {found['effect'].capitalize()}s, risk {found['risk']}{of}"
    if card.id in known.paused:
        return "paused", f"{about}; paused by {known.paused[card.id]}", None
    breaker = found["breaker"]
    if breaker is not None:
        return "failing", f"{about}; the last {breaker['failures']} calls failed", None
    return "active", about, None


def _other(card: Card, known: Known, now: datetime) -> Told:
    since = card.detail.get("at")
    if isinstance(since, str):
        return None, ago(moment_of(since), now), None
    return None, said(card.detail, 200) if card.detail else "", None
