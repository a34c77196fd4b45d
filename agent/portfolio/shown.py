"""The portfolio as doors show it. Start with `shown_types`."""

from __future__ import annotations

from dataclasses import asdict

from agent.portfolio.model import Portfolio
from agent.store.queries import Shown


def shown_types(portfolio: Portfolio) -> list[Shown]:
    """Event and outcome types with their schemas."""
    return [
        *(
            {
                "type": kind.name,
                "kind": "event",
                "description": kind.description,
                "schema": kind.schema,
                "allow": sorted(kind.allow),
                "bind": dict(kind.bind),
                "queue": asdict(kind.queueing),
            }
            for kind in portfolio.events.values()
        ),
        *(
            {
                "type": kind.name,
                "kind": "outcome",
                "description": kind.description,
                "schema": kind.schema,
                "goals": sorted(kind.grade),
            }
            for kind in portfolio.outcomes.values()
        ),
    ]
