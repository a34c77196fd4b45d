"""A service with friendly and nasty operations, as FastAPI describes it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field

Team = Literal["harbour", "meadow"]


class NewCase(BaseModel):
    customer_id: Annotated[str, Field(description="Whom the case is about", min_length=1)]
    question: str
    team: Team = "harbour"
    priority: Annotated[int, Field(ge=1, le=5)] | None = None


class Case(BaseModel):
    case_id: str
    team: Team


class Node(BaseModel):
    value: int
    children: "list[Node]" = []


class Service:
    """The application, what it has seen, and the gate that slow operations wait at."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[dict[str, Any]] = []
        self.started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gate: asyncio.Event | None = None
        self.app = FastAPI(title="nasty", lifespan=self._lifespan)
        self._add_friendly()
        self._add_nasty()

    def release(self) -> None:
        """Let everybody pass who waits at the gate."""
        if self._loop is not None and self._gate is not None:
            gate, self._gate = self._gate, asyncio.Event()
            self._loop.call_soon_threadsafe(gate.set)

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        self._loop, self._gate = asyncio.get_running_loop(), asyncio.Event()
        self.started.set()
        yield

    async def _wait(self) -> None:
        assert self._gate is not None
        await self._gate.wait()

    def _note(self, request: Request, **what: Any) -> None:
        self.seen.append({"path": request.url.path, "headers": dict(request.headers), **what})

    def _add_friendly(self) -> None:
        app = self.app

        @app.get("/items/{item_id}")
        async def read_item(
            request: Request,
            item_id: Annotated[str, Path(description="The item")],
            tag: Annotated[list[str] | None, Query()] = None,
            deep: bool = False,
            x_trace: Annotated[str | None, Header()] = None,
        ) -> dict[str, Any]:
            """One item."""
            self._note(request, item_id=item_id, tag=tag, deep=deep, x_trace=x_trace)
            return {"item_id": item_id, "tag": tag, "deep": deep}

        @app.post("/items/{item_id}/erase")
        @app.get("/items/{item_id}/erase")
        async def erase(request: Request, item_id: str) -> None:
            self._note(request, erased=item_id)

        @app.post("/desk/cases", operation_id="open_case", status_code=201)
        async def open_case(
            request: Request, case: NewCase, idempotency_key: Annotated[str | None, Header()] = None
        ) -> Case:
            """Give a customer's question to a team."""
            self._note(request, case=case, key=idempotency_key)
            return Case(case_id="case-1", team=case.team)

        @app.post("/tree", operation_id="count_tree")
        async def count_tree(tree: Node) -> Node:
            return tree

        @app.put("/list", operation_id="put_list")
        async def put_list(request: Request, numbers: list[int]) -> int:
            self._note(request)
            return sum(numbers)

        @app.post("/maybe", operation_id="maybe")
        async def maybe(request: Request, case: NewCase | None = None) -> None:
            self._note(request, case=case, length=request.headers.get("content-length"))

        @app.delete("/nothing", operation_id="nothing", status_code=204)
        async def nothing() -> None:
            return None

    def _add_nasty(self) -> None:
        app = self.app

        @app.post("/slow", operation_id="slow")
        async def slow(request: Request) -> None:
            self._note(request)
            await self._wait()

        @app.post("/status/{status}", operation_id="answer_status", response_model=None)
        async def answer_status(request: Request, status: int) -> Response:
            self._note(request)
            if status == 429:
                return JSONResponse({"title": "Busy"}, 429, headers={"Retry-After": "17"})
            if 300 <= status < 400:
                return RedirectResponse("/elsewhere", status)
            return JSONResponse({"title": "No", "detail": f"because {status}"}, status)

        @app.api_route("/elsewhere", methods=["GET", "POST"], include_in_schema=False)
        async def elsewhere(request: Request) -> str:
            self._note(request)
            return "followed"

        @app.post("/refund", operation_id="refund")
        async def refund(amount: Annotated[float, Query(gt=0)]) -> None:
            raise HTTPException(422, "the order is not theirs")

        @app.post("/liar", operation_id="liar", response_model=Case)
        async def liar() -> Response:
            return JSONResponse({"case_id": 7})

        @app.get("/babble", operation_id="babble")
        async def babble(request: Request, kind: str) -> Response:
            bodies = {
                "garbage": b"<html>fine!</html>",
                "nan": b'{"a": NaN}',
                "infinite": b"1e999",
                "deep": b"[" * 100_000,
                "latin": b'"\xe4"',
                "half": b'"\\ud800"',
                "huge": b'"' + b"x" * 3_000_000 + b'"',
                "long": b'"' + b"x" * 1_000_000 + b'"',
                "digits": b"1" * 5_000,
                "cookie": b"{}",
            }
            self._note(request)
            return Response(bodies[kind], media_type="application/json", headers={"Set-Cookie": "a=b"})
