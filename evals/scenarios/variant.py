"""The portfolio that an arm is played with, made from the world's own. Start with `portfolio_of`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from evals import worlds
from evals.scenarios.arms import Variant
from evals.scenarios.distractor import load_distractors

WORLDS = Path(worlds.__file__).parent


def portfolio_of(world: str, variant: Variant, folder: Path) -> tuple[Path, ...]:
    """The files to open: as shipped, with distractors beside, or with every playbook removed."""
    shipped = WORLDS / world / "portfolio.yaml"
    match variant:
        case "playbooks":
            return (shipped,)
        case "distractors":
            return (shipped, _beside(world, folder / "distractors.yaml"))
        case "bare" | "learned":
            return (_without_playbooks(shipped, folder / "portfolio.yaml"),)


def _without_playbooks(shipped: Path, path: Path) -> Path:
    path.write_text(_stripped(shipped), encoding="utf-8")
    return path


@cache
def _stripped(shipped: Path) -> str:
    stated = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    for event in stated["events"].values():
        event.pop("playbook", None)
    return yaml.safe_dump(stated, sort_keys=False)


def _beside(world: str, path: Path) -> Path:
    tools = {one.tool: {"step": one.step, "effect": one.effect, "idempotent": True} for one in load_distractors(world)}
    source = {"name": "distractors", "openapi": "${DISTRACTORS_URL}/openapi.json", "tools": tools}
    path.write_text(yaml.safe_dump({"segue": 1, "sources": [source]}, sort_keys=False), encoding="utf-8")
    return path
