"""Sends due events to Segue until it accepts them. Start with `Sender.flush`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx

FINAL_REFUSALS = frozenset({400, 409, 413, 415, 422})
"""Answers that repeating cannot change: the event is set aside with the reason."""

TOO_MUCH = frozenset({429, 503})
LONGEST_WAIT_S = 60.0

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


class Sender:
    """The way from the outbox to `POST {segue}/v1/events`, oldest first; ids make a repeated event harmless."""

    def __init__(self, *, segue: str | None, key: str | None, turn: asyncio.Lock, transaction: Transaction) -> None:
        headers = {"Content-Type": "application/cloudevents+json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._address = None if segue is None else f"{segue.rstrip('/')}/v1/events"
        # With nobody to send to there is no client: it takes longer to make than the rest of a world.
        self._client = None if segue is None else httpx.AsyncClient(headers=headers, timeout=10.0, trust_env=False)
        self._turn, self._transaction = turn, transaction
        self._flushing = asyncio.Lock()
        self._not_before = 0.0
        """On the loop's clock: until then Segue asked to be left alone."""

    async def flush(self) -> int:
        """Send what waits, in order, until Segue cannot take more; gives how many were accepted."""
        sent = 0
        clock = asyncio.get_running_loop().time
        async with self._flushing:
            while self._client is not None and self._address is not None and clock() >= self._not_before:
                row = await self._oldest()
                if row is None:
                    break
                state, error = await self._send(self._client, self._address, row["event"])
                async with self._turn:
                    with self._transaction() as db:
                        db.execute("UPDATE outbox SET state = ?, error = ? WHERE id = ?", (state, error, row["id"]))
                if state == "pending":
                    break
                sent += state == "sent"
        return sent

    async def keep_trying(self, *, every_s: float) -> None:
        """Flush again and again until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await self.flush()

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _oldest(self) -> sqlite3.Row | None:
        async with self._turn:
            with self._transaction() as db:
                row: sqlite3.Row | None = db.execute(
                    "SELECT id, event FROM outbox WHERE state = 'pending' ORDER BY id LIMIT 1"
                ).fetchone()
                return row

    async def _send(self, client: httpx.AsyncClient, address: str, event: str) -> tuple[str, str | None]:
        try:
            response = await client.post(address, content=event.encode())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return "pending", f"{type(error).__name__}: {error}"
        if response.is_success:
            return "sent", None
        wait = retry_after_s(response)
        if wait is not None:
            self._not_before = asyncio.get_running_loop().time() + wait
        detail = f"{response.status_code}: {response.text[:500]}"
        return ("refused" if response.status_code in FINAL_REFUSALS else "pending"), detail


def retry_after_s(response: httpx.Response) -> float | None:
    """How long a Segue that has too much to do asks to wait, if it does; at most a minute."""
    given = response.headers.get("retry-after", "")
    if response.status_code not in TOO_MUCH or not (given.isascii() and given.isdigit()):
        return None
    return min(float(given[:6]), LONGEST_WAIT_S)
