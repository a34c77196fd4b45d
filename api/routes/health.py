"""Whether the server lives and can work.

Open to all, so that a balancer needs no key; the reasons are for callers who have one.
"""

# No postponed annotations here: FastAPI reads them while the routes are made.

import asyncio
import logging
from typing import cast

from fastapi import APIRouter, Request, Response

from agent.service import Segue
from api import problems, shapes
from api.access import Access, Opened, Presented
from api.bodies import Json
from api.openapi import problems as problem_answers
from api.problems import Unauthorized

log = logging.getLogger(__name__)

router = APIRouter(tags=["health"])

PATIENCE_S = 5.0
DEGRADED = frozenset({"tools", "memory", "pauses"})
"""Parts without which events are still accepted, and what may be started is."""


@router.get("/health/live", response_model=shapes.Alive)
async def live() -> Response:
    """The process answers."""
    return Json({"status": "live"})


@router.get(
    "/health/ready", response_model=shapes.Health, responses={503: problem_answers(s503="It cannot work now.")[503]}
)
async def ready(request: Request, segue: Opened, presented: Presented) -> Response:
    """Events are accepted and runs started.

    A tool source that works from what it knew earlier does not stop that, nor does memory that cannot be asked, nor
    what operators have paused.
    """
    found = await _health(segue)
    told = found if _may_know(request, presented) else dict.fromkeys(found, "see the log")
    failed = sorted(part for part in found if part.partition(".")[0] not in DEGRADED)
    if failed:
        detail = f"not well: {', '.join(failed)}"
        return problems.problem(problems.NOT_READY, detail, problems=told)
    return Json({"status": "degraded" if found else "ready", "problems": told})


async def _health(segue: Segue) -> dict[str, str]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return dict(await segue.health())
    except TimeoutError:
        return {"store": f"no answer within {PATIENCE_S:g} s"}
    except Exception as error:
        # Whatever a broken disk or database raises, the answer is the same: not ready.
        log.exception("the store cannot be read")
        return {"store": problems.store_failure(error)}


def _may_know(request: Request, presented: list[str]) -> bool:
    try:
        cast("Access", request.app.state.access).caller(presented)
    except Unauthorized:
        return False
    return True
