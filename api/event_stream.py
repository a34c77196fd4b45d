"""A run as server-sent events: what happened so far, then what happens. Start with `EventStream`.

The id of each event says all that was told up to it (`agent.seen`), so a client that comes back with the last one gets
what it has missed and nothing twice, from whichever process answers.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent.errors import NotFound
from agent.seen import Seen, SeenError
from agent.service import Segue
from agent.store.progress import News
from agent.watching import Watch
from api.problems import Malformed

log = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
PATIENCE_S = 30.0
"""How long a client may take nothing before it is let go."""
OPENING = b"retry: 1000\n\n"
"""Milliseconds after which a client that lost the stream comes back."""
HEARTBEAT = b": still here\n\n"


def last_seen(request: Request, run: str, asked: str | None) -> Seen:
    """What the caller has been told of the run: by its header, else by its query. Raises `Malformed`."""
    given = request.headers.getlist("last-event-id")
    if len(given) > 1:
        raise Malformed("the header Last-Event-ID is there twice")
    text = given[0] if given else asked
    if not text:
        return Seen()
    try:
        return Seen.parse(text, run)
    except SeenError as error:
        raise Malformed(f"Last-Event-ID: {error}; leave it out to be told everything") from error


class EventStream(Response):
    """Sends until the run has ended, the client is gone, or Segue closes. Ends the watch it was given."""

    media_type = MEDIA_TYPE

    def __init__(self, segue: Segue, watch: Watch, *, tenant: str, seen: Seen) -> None:
        # No length, and no proxy that keeps events until it has many.
        super().__init__(headers={"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._segue = segue
        self._watch = watch
        self._tenant = tenant
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        listening = asyncio.create_task(self._until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for text in self._texts():
                async with asyncio.timeout(PATIENCE_S):
                    await send({"type": "http.response.body", "body": text, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.info("a client of the stream of run %s took nothing for %g s", self._watch.run, PATIENCE_S)
        finally:
            self._segue.watching.end(self._watch)
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _texts(self) -> AsyncIterator[bytes]:
        yield OPENING
        run = self._watch.run
        while not self._watch.over:
            try:
                progress = await self._segue.news(self._tenant, run, self._seen)
            except (NotFound, SQLAlchemyError) as error:
                # Removed, or the store is away: who comes back is told which.
                log.warning("the stream of run %s was cut off: %s", run, error)
                return
            for one in progress.news:
                yield event_text(one, run)
                self._seen = one.seen
            if progress.ended:
                return
            if not await self._watch.wait(HEARTBEAT_S):
                yield HEARTBEAT

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._watch.stop()


def event_text(one: News, run: str) -> bytes:
    """One event on the wire; plain ASCII, so that no text in it can end a line."""
    data = json.dumps(one.data, separators=(",", ":"))
    return f"id: {one.seen.text(run)}\nevent: {one.kind}\ndata: {data}\n\n".encode("ascii")
