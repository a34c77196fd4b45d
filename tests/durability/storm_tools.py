"""The company's tools as a process of their own, which outlives every Segue: `python -m tests.durability.storm_tools`.

Both note each delivery on disk before they do anything else. `note_case` honours the idempotency key: it acts once per
key and repeats its answer. `send_letter` ignores it: every delivery is one more letter.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header
from pydantic import BaseModel

from api.address import listen

SLOWEST_S = 0.08
"""A call takes up to this long after it was acted on, so that kills find calls in flight."""

Key = Annotated[str, Header(alias="idempotency-key")]


class Case(BaseModel):
    """What both tools are told."""

    case: str


class Notes:
    """What the tools got, in memory and on disk."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        self._keys: set[str] = set()

    def add(self, tool: str, case: str, key: str, *, honours: bool) -> None:
        """Note one delivery; it acts unless the tool honours keys and knows this one."""
        acted = not (honours and key in self._keys)
        self._keys.add(key)
        line = json.dumps({"tool": tool, "case": case, "key": key, "acted": acted})
        os.write(self._file, line.encode() + b"\n")
        os.fdatasync(self._file)

    def knows(self, key: str) -> bool:
        """Whether anything was delivered under the key."""
        return key in self._keys


def build_tools(notes: Notes, seed: int) -> FastAPI:
    """The app; what begins with `_` is the operator's view and no tool."""
    app = FastAPI(title="Letters", version="1", docs_url=None, redoc_url=None)
    dice = random.Random(seed)

    @app.post("/cases", operation_id="note_case", summary="Note a case in the customer's file")
    async def note_case(body: Case, key: Key) -> dict[str, Any]:
        notes.add("note_case", body.case, key, honours=True)
        await asyncio.sleep(dice.uniform(0, SLOWEST_S))
        return {"noted": body.case}

    @app.post("/letters", operation_id="send_letter", summary="Send a letter to the customer")
    async def send_letter(body: Case, key: Key) -> dict[str, Any]:
        notes.add("send_letter", body.case, key, honours=False)
        await asyncio.sleep(dice.uniform(0, SLOWEST_S))
        return {"sent": body.case}

    @app.get("/_delivered/{key}", include_in_schema=False)
    async def delivered(key: str) -> bool:
        return notes.knows(key)

    return app


def read_notes(file: Path) -> list[dict[str, Any]]:
    """Every delivery, in order."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def main() -> None:
    """Serve on the port, with the file and the seed: three words on the command line."""
    port, file, seed = sys.argv[1:]
    app = build_tools(Notes(Path(file)), int(seed))
    with listen("127.0.0.1", int(port)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
        asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    main()
