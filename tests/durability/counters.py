"""The company's tools as real HTTP services in a process that outlives every crash. Start with `Counters.open`.

Two counters serve the same customers. The careful one remembers what it answered to an `Idempotency-Key` and answers
a known key without acting again. The forgetful one ignores the key: it acts on every delivery. Both note a delivery
on disk before they answer.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import socket
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header, Response
from pydantic import BaseModel

PR_SET_PDEATHSIG = 1


class For(BaseModel):
    """Whom a call is about."""

    customer: str


class Payment(For):
    amount: float


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One request that reached a tool."""

    tool: str
    key: str
    life: int
    """Which start of Segue sent it, from 1."""
    acted: bool
    """Whether it had an effect; a careful tool has none for a key it knows, a read never has one."""


def note(folder: Path, customer: str, delivery: Delivery) -> None:
    """Put a delivery on disk."""
    line = json.dumps(delivery.__dict__) + "\n"
    file = os.open(folder / customer, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(file, line.encode())
    os.fsync(file)
    os.close(file)


def noted(folder: Path, customer: str) -> tuple[Delivery, ...]:
    """Every delivery about a customer, in order."""
    file = folder / customer
    if not file.exists():
        return ()
    return tuple(Delivery(**json.loads(line)) for line in file.read_text().splitlines())


Key = Annotated[str, Header(alias="Idempotency-Key")]
Life = Annotated[int, Header(alias="X-Life")]


def careful(folder: Path, pay_back_takes_s: float) -> FastAPI:
    """The counter that keeps its answers by their keys."""
    app = FastAPI(title="careful")
    answers: dict[str, Any] = {}

    @app.get("/ready")
    async def ready() -> None:
        """Answered after every request that came before."""

    def act(tool: str, customer: str, key: str, life: int, answer: Any) -> Any:
        known = key in answers
        note(folder, customer, Delivery(tool=tool, key=key, life=life, acted=not known))
        return answers.setdefault(key, answer)

    @app.get("/customers/{customer}", operation_id="look_up")
    async def look_up(customer: str, idempotency_key: Key, x_life: Life) -> dict[str, str]:
        """Look up what is known of a customer."""
        note(folder, customer, Delivery(tool="look_up", key=idempotency_key, life=x_life, acted=False))
        return {"customer": customer, "tier": "gold"}

    @app.post("/pauses", operation_id="pause_mail")
    async def pause_mail(given: For, idempotency_key: Key, x_life: Life) -> dict[str, bool]:
        """Pause advertising mail to a customer."""
        paused: dict[str, bool] = act("pause_mail", given.customer, idempotency_key, x_life, {"paused": True})
        return paused

    @app.post("/payments", operation_id="pay_back")
    async def pay_back(given: Payment, idempotency_key: Key, x_life: Life) -> dict[str, float]:
        """Pay money back to a customer."""
        await asyncio.sleep(pay_back_takes_s)
        paid: dict[str, float] = act("pay_back", given.customer, idempotency_key, x_life, {"paid": given.amount})
        return paid

    return app


def forgetful(folder: Path) -> FastAPI:
    """The counter that acts whenever it is told to."""
    app = FastAPI(title="forgetful")

    def act(tool: str, customer: str, key: str, life: int) -> dict[str, bool]:
        note(folder, customer, Delivery(tool=tool, key=key, life=life, acted=True))
        return {"done": True}

    @app.post("/calls", operation_id="book_call")
    async def book_call(given: For, idempotency_key: Key, x_life: Life) -> dict[str, bool]:
        """Book a telephone call with a customer."""
        return act("book_call", given.customer, idempotency_key, x_life)

    @app.post("/reminders", operation_id="remind")
    async def remind(given: For, idempotency_key: Key, x_life: Life) -> dict[str, bool]:
        """Remind the desk of a customer."""
        return act("remind", given.customer, idempotency_key, x_life)

    @app.post("/vouchers", operation_id="send_voucher", response_model=None)
    async def send_voucher(given: For, idempotency_key: Key, x_life: Life) -> Response:
        """Send a customer a voucher. It does, and then cannot say so."""
        act("send_voucher", given.customer, idempotency_key, x_life)
        return Response("lost my pen", 500)

    @app.post("/letters", operation_id="write_letter")
    async def write_letter(given: For, idempotency_key: Key, x_life: Life) -> dict[str, bool]:
        """Write a customer a letter."""
        return act("write_letter", given.customer, idempotency_key, x_life)

    return app


@dataclass(frozen=True, kw_only=True)
class Counters:
    """The process of the two counters; a context manager that ends it."""

    url: str
    process: int
    notes: Path

    @classmethod
    def open(cls, notes: Path, pay_back_takes_s: float = 0.0) -> Counters:
        """Fork the process; it is ready for requests when this returns."""
        notes.mkdir(parents=True, exist_ok=True)
        listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = os.fork()
        if process == 0:
            try:
                dies_with_its_parent()
                _serve(listening, notes, pay_back_takes_s)
            finally:
                os._exit(1)
        listening.close()
        return cls(url=url, process=process, notes=notes)

    def __enter__(self) -> Counters:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)

    def noted(self, customer: str) -> tuple[Delivery, ...]:
        """What the tools know of a customer, once they have read what a killed process sent last."""
        with urllib.request.urlopen(f"{self.url}/careful/ready") as ready:
            ready.read()
        return noted(self.notes, customer)


def dies_with_its_parent() -> None:
    """Let the system end this process when the one that forked it is gone, however that went."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _serve(listening: socket.socket, notes: Path, pay_back_takes_s: float) -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/careful", careful(notes, pay_back_takes_s))
    app.mount("/forgetful", forgetful(notes))
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listening])
