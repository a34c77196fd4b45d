"""`python -m evals.bench.host ARM ...`: one arm as a server of its own. Start with `main`.

`POST /runs` answers when the run has ended; Segue's arm answers 202 as soon as the event is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agent.heap import few_arenas, keep_what_is_loaded
from evals.bench import arms
from evals.bench.arms import Arm, Asked, Place
from evals.bench.profiling import Watch
from evals.bench.workload import Waits

Opening = Callable[[Place], AbstractAsyncContextManager[Arm]]


def main() -> None:
    """Open the arm that is named and serve it until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench.host")
    parser.add_argument("arm", choices=("bare", "checkpointed", "dbos", "dbos-tuned", "segue"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database-url")
    parser.add_argument("--profile", type=Path, help="Write where processor time goes into this file.")
    given = parser.parse_args()
    # For every arm what `segue serve` does for itself, and the same below.
    few_arenas()
    place = Place(folder=given.folder, database_url=given.database_url)
    asyncio.run(serve(_opening(given.arm), place, given.port, given.profile))


async def serve(opening: Opening, place: Place, port: int, profile: Path | None) -> None:
    """Serve the arm on loopback."""
    asked = itertools.count()
    with Watch() if profile else nullcontext() as watch:
        async with opening(place) as arm:
            config = uvicorn.Config(door(arm, asked), port=port, log_level="warning", access_log=False, lifespan="off")
            keep_what_is_loaded()
            if watch is not None:
                watch.begin()
            await _Server(config).serve()
            if watch is not None and profile is not None:
                profile.write_text(watch.told(next(asked)))


def door(arm: Arm, asked: Iterator[int] | None = None) -> Starlette:
    """The same for every arm; `asked` is drawn from for each run."""
    asked = asked or itertools.count()

    async def runs(request: Request) -> JSONResponse:
        next(asked)
        body = json.loads(await request.body())
        waits = Waits(model_ms=body["model_ms"], tool_ms=body["tool_ms"])
        answer = await arm.run(Asked(id=body["id"], text=body["text"], waits=waits))
        return JSONResponse(dict(answer), status_code=202 if answer else 200)

    async def begun(request: Request) -> JSONResponse:
        return JSONResponse({"begun": arm.begun(request.path_params["run"])})

    async def ready(_: Request) -> JSONResponse:
        return JSONResponse({})

    return Starlette(
        routes=[
            Route("/runs", runs, methods=["POST"]),
            Route("/runs/{run}/begun", begun),
            Route("/health/ready", ready),
        ]
    )


class _Server(uvicorn.Server):
    """Ends with SIGTERM and lets the arm close: uvicorn would raise the signal once more before that."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Only this one."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: setattr(self, "should_exit", True))
        yield


def _opening(name: str) -> Opening:
    if name == "segue":
        # Imported only where it is measured: it takes longer than all others together.
        from evals.bench.segue_arm import segue

        return segue
    openings: dict[str, Opening] = {
        "bare": arms.bare,
        "checkpointed": arms.checkpointed,
        "dbos": arms.dbos,
        "dbos-tuned": arms.dbos_tuned,
    }
    return openings[name]


if __name__ == "__main__":
    main()
