"""Tools that perform a step's kind of work for another purpose, behind HTTP with a ledger. Start with `distractor_app`.

Each adds an entry to its own book when it is called, so that a wrong call is a real change somewhere.
"""

# No postponed annotations here: FastAPI and pydantic read them while the app is built.

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from fastapi import Body, FastAPI
from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model

FOLDER = Path(__file__).parent / "distractors"
TYPES: dict[str, type] = {"string": str, "number": float, "integer": int, "boolean": bool}


class Distractor(BaseModel):
    """One wrong tool; `arguments` are all required, by JSON type."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    step: str
    tool: str
    effect: Literal["read", "write"]
    summary: str
    description: str
    arguments: dict[str, Literal["string", "number", "integer", "boolean"]]


@cache
def load_distractors(world: str) -> tuple[Distractor, ...]:
    """Three for each step of the world."""
    stated = yaml.safe_load((FOLDER / f"{world}.yaml").read_text(encoding="utf-8"))
    return tuple(TypeAdapter(list[Distractor]).validate_python(stated))


def distractor_app(world: str) -> FastAPI:
    """The tools as one HTTP service, nothing called yet; `/_world/ledger` tells what was called, as a world's does.

    One a process and world: asking again empties its ledger.
    """
    app = _built(world)
    app.state.ledger.clear()
    return app


@cache
def _built(world: str) -> FastAPI:
    app = FastAPI(title="Other tools")
    ledger: list[dict[str, Any]] = []
    app.state.ledger = ledger
    for one in load_distractors(world):
        _add(app, one, ledger)

    @app.get("/_world/ledger", include_in_schema=False)
    async def told() -> list[dict[str, Any]]:
        return ledger

    return app


def _add(app: FastAPI, one: Distractor, ledger: list[dict[str, Any]]) -> None:
    fields: dict[str, Any] = {name: (TYPES[kind], ...) for name, kind in one.arguments.items()}
    form: Any = create_model(f"Asked_{one.tool}", **fields)

    async def act(body: Annotated[form, Body()]) -> dict[str, Any]:
        arguments: dict[str, Any] = body.model_dump()
        ledger.append({"tool": one.tool, "arguments": arguments, "applied": one.effect == "write"})
        return {"entries": sum(row["tool"] == one.tool for row in ledger)}

    act.__name__, act.__doc__ = one.tool, one.description
    app.post(f"/{one.tool}", summary=one.summary, name=one.tool)(act)
