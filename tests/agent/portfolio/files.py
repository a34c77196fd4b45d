"""A small right portfolio, and ways to write it with something wrong. Start with `write` and `mistakes_of`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.portfolio.load import Mistake, PortfolioError, load_portfolio

RIGHT: dict[str, Any] = {
    "segue": 1,
    "goals": {"comfort": {"weight": 2.0, "description": "Guests are comfortable"}, "cost": {}},
    "chains": [
        {
            "name": "stay",
            "description": "From arrival to departure",
            "steps": [{"name": "inspect", "description": "See what is wrong"}, {"name": "repair"}],
        }
    ],
    "sources": [
        {
            "name": "rooms",
            "openapi": "http://127.0.0.1:9/openapi.json",
            "headers": {"X-Token": "${ROOM_TOKEN:-none}"},
            "defaults": {"owner": "housekeeping", "step": "inspect", "effect": "read", "timeout_s": 5},
            "tools": {
                "read_room": None,
                "send_plumber": {"step": "repair", "effect": "write", "risk": "high", "choice": ["firm"]},
            },
        },
        {
            "name": "local",
            "python": {"price_of": "shop.pricing:price_of"},
            "tools": {"price_of": {"step": "inspect", "effect": "read"}},
        },
    ],
    "events": {
        "room.leak.reported": {
            "description": "A guest reports water",
            "schema": {
                "type": "object",
                "properties": {
                    "room": {"type": "string"},
                    "litres": {"type": "number"},
                    "guest": {"$ref": "#/$defs/guest"},
                },
                "$defs": {"guest": {"type": "object", "properties": {"name": {"type": "string"}}}},
            },
            "text": "{data.room}: {data.guest.name}",
            "features": {"litres": "data.litres", "floor": "results.read_room.floor"},
            "allow": ["inspect", "send_plumber"],
            "bind": {"room_id": "data.room"},
            "playbook": [
                {"purpose": "see the room", "step": "inspect"},
                {
                    "purpose": "stop the leak",
                    "step": "repair",
                    "when": "data.litres > 1.0 && !has(results.send_plumber)",
                },
            ],
            "limits": {"decisions": 4},
        }
    },
    "outcomes": {
        "guest.reviewed": {
            "schema": {"type": "object", "properties": {"stars": {"type": "integer"}}},
            "join": {"events": ["room.leak.reported"], "window": "36h"},
            "grade": {"comfort": "data.stars / 5.0", "cost": 1},
        }
    },
}
EVENT = ("events", "room.leak.reported")
OUTCOME = ("outcomes", "guest.reviewed")


class Removed:
    """Stands for a key that is taken away; says so in a test's name, the same in every process."""

    def __repr__(self) -> str:
        return "removed"


DELETE = Removed()


def with_change(keys: tuple[str | int, ...], value: object, base: Mapping[str, Any] = RIGHT) -> dict[str, Any]:
    """The right portfolio with one value replaced (or removed, by `DELETE`)."""
    changed: dict[str, Any] = copy.deepcopy(dict(base))
    at: Any = changed
    for key in keys[:-1]:
        at = at[key]
    if value is DELETE:
        del at[keys[-1]]
    else:
        at[keys[-1]] = value
    return changed


def write(folder: Path, content: object, name: str = "portfolio.yaml") -> Path:
    """Write a portfolio file; text as it is, everything else as YAML."""
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def mistakes_of(*paths: Path, environment: Mapping[str, str] | None = None) -> tuple[Mistake, ...]:
    """The mistakes that loading these files reports."""
    with pytest.raises(PortfolioError) as caught:
        load_portfolio(paths, environment or {})
    return caught.value.mistakes
