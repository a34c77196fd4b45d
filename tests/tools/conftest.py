"""Services to call: a FastAPI application on loopback, and raw sockets that answer byte for byte."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
import uvicorn

from tests.tools.service import Service

RawService = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def running_service() -> Iterator[Service]:
    service = Service()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(128)
        service.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(service.app, log_level="critical", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        assert service.started.wait(10)
        yield service
        service.release()
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def service(running_service: Service) -> Iterator[Service]:
    running_service.seen.clear()
    yield running_service
    running_service.release()


@pytest.fixture
def raw_service() -> RawService:
    @asynccontextmanager
    async def serve(
        answers: bytes | list[bytes], *, hang: bool = False, read: bool = True, seen: list[bytes] | None = None
    ) -> AsyncIterator[str]:
        """Reads a request, writes these bytes, and then cuts the connection (or holds it open).

        Of several answers each connection gets the next, the last one again and again. `seen` gathers the requests.
        """
        script = [answers] if isinstance(answers, bytes) else list(answers)
        closing = asyncio.Event()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                if read:
                    request = await reader.readuntil(b"\r\n\r\n")
                    if seen is not None:
                        seen.append(request)
                writer.write(script.pop(0) if len(script) > 1 else script[0])
                await writer.drain()
                if hang:
                    await closing.wait()
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            closing.set()
            server.close()

    return serve
