"""What a case starts from, as copies of what a process makes once: making it takes longer than playing the case.

Start with `fresh_world` and `fresh_data`.
"""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from agent.wiring import Settings, open_segue
from evals.worlds.kit.rules import Rules
from evals.worlds.kit.serve import build_world, load_rules
from memory.embedding import Embedder

WORLD_SEED = 1
NOTHING = "segue: 1\n"
"""A portfolio with nothing in it."""


def fresh_world(world: str, data: Path) -> FastAPI:
    """A world just founded, with its state in `data`."""
    founded = _founded(world)
    shutil.copytree(founded.data, data)
    app = build_world(world, data=data, seed=WORLD_SEED, rules=founded.rules)
    app.openapi = lambda: founded.document  # type: ignore[method-assign]
    return app


def fresh_data(data: Path, cache_dir: str) -> None:
    """As `data`, the data directory of a Segue that was opened once and has handled nothing."""
    shutil.copytree(_opened(cache_dir), data)


@cache
def open_embedder(cache_dir: str) -> Embedder:
    """The embedder of this process."""
    return Embedder.open(Path(cache_dir))


@dataclass(frozen=True, kw_only=True)
class _Founded:
    """A world's models and OpenAPI document, which no state changes, and its first state."""

    rules: Rules
    document: dict[str, Any]
    data: Path


@cache
def _founded(world: str) -> _Founded:
    rules = load_rules(world)
    rules.warm_up()
    data = _kept_folder() / "world"
    app = build_world(world, data=data, seed=WORLD_SEED, rules=rules)

    async def close() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(close())
    return _Founded(rules=rules, document=app.openapi(), data=data)


@cache
def _opened(cache_dir: str) -> Path:
    folder = _kept_folder()
    portfolio, data = folder / "portfolio.yaml", folder / "segue"
    portfolio.write_text(NOTHING, encoding="utf-8")

    async def open_and_close() -> None:
        async with open_segue(Settings(portfolio=(portfolio,), data=data), None, open_embedder(cache_dir)):
            pass

    asyncio.run(open_and_close())
    return data


def _kept_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="segue-fresh-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
