"""One case, played: a fresh world behind HTTP, a fresh Segue on it, the case's events one after another.

Start with `play`. Everything runs in this process; tools are called over loopback.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.events import RawEvent
from agent.ledger import Patience
from agent.service import GivenAnswer, Segue
from agent.store.queries import RunFilter
from agent.wiring import Settings, open_segue
from evals.scenarios.arms import Arm, control
from evals.scenarios.case import Case
from evals.scenarios.distractor import distractor_app
from evals.scenarios.fresh import fresh_data, fresh_world, open_embedder
from evals.scenarios.grade import Aftermath, Graded, grade
from evals.scenarios.variant import portfolio_of
from evals.worlds.kit.loopback import on_loopback

TENANT = "default"
POLL_S = 0.02
PATIENCE = Patience(attempts=2, backoff_s=0.001)
"""A failing tool is asked twice; waiting longer would tell nothing about decisions."""


class Infrastructure(Exception):
    """A case could not be played; nothing can be said of the decisions in it."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """One case in one arm."""

    case: str
    world: str
    arm: str
    graded: Graded


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all cases of a suite share."""

    environment: Mapping[str, str]
    """Where the embedding graph is kept, and a chat model's address and key."""
    model: str | None = None
    """Decides in the product's arms; None: the Planner."""
    learned: Path | None = None
    """The data directory with graded episodes of the case's world."""
    within_s: float = 60.0
    """How long a run may take."""


async def play(case: Case, arm: Arm, setting: Setting) -> Played:
    """Play and grade; whatever breaks on the way is an `error`, never a pass."""
    with tempfile.TemporaryDirectory(prefix="segue-case-") as folder:
        try:
            after = await _play(case, arm, setting, Path(folder))
            graded = grade(case, after)
        except Exception as error:  # noqa: BLE001  whatever it is, the case must not pass
            graded = Graded(grade="error", reasons=(f"{type(error).__name__}: {error}"[:500],))
    return Played(case=case.name, world=case.world, arm=arm.name, graded=graded)


async def _play(case: Case, arm: Arm, setting: Setting, folder: Path) -> Aftermath:
    async with AsyncExitStack() as stack:
        # In a thread, as the first of a process makes what the others copy, on a loop of its own.
        app = await asyncio.to_thread(fresh_world, case.world, folder / "world")
        watched = Watched(app)
        environment = {
            **setting.environment,
            f"{case.world.upper()}_URL": await stack.enter_async_context(on_loopback(watched)),
        }
        apps = [app]
        if arm.variant == "distractors":
            apps.append(distractor_app(case.world))
            environment["DISTRACTORS_URL"] = await stack.enter_async_context(on_loopback(apps[1]))
        stage = [await stack.enter_async_context(_client(one)) for one in apps]
        await _arrange(case, stage[0])
        data, cache_dir = folder / "segue", setting.environment["SEGUE_CACHE"]
        if arm.variant == "learned" and setting.learned is not None:
            await asyncio.to_thread(shutil.copytree, setting.learned, data)
        else:
            await asyncio.to_thread(fresh_data, data, cache_dir)
        settings = Settings(
            portfolio=portfolio_of(case.world, arm.variant, folder),
            data=data,
            model=setting.model if arm.who == "product" else None,
            memory=arm.variant == "learned",
            environment=environment,
            patience=PATIENCE,
        )
        opening = open_segue(settings, control(arm, case), open_embedder(cache_dir))
        segue = await stack.enter_async_context(opening)
        began = datetime.now(UTC)
        runs = [await _handle(segue, case, at, began, setting.within_s) for at in range(len(case.events))]
        if watched.errors:
            raise Infrastructure(f"the world broke: {watched.errors[0]!r}")
        return await _aftermath(stage, segue, [await segue.run(TENANT, run) for run in runs])


class Watched:
    """A world's app that remembers what broke in it: a tool that breaks by itself tells nothing about decisions."""

    def __init__(self, app: ASGIApp) -> None:
        self.errors: list[Exception] = []
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and remember."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            self.errors.append(error)
            raise


async def _arrange(case: Case, world: httpx.AsyncClient) -> None:
    """Put the world into the state that the case gives."""
    stated = [("arrange", case.given), *(("fault", one.model_dump(exclude_none=True)) for one in case.faults)]
    for what, body in stated:
        answer = await world.post(f"/_world/{what}", json=body)
        if answer.is_error:
            raise Infrastructure(f"the world does not take what is given: {answer.text[:400]}")


async def _handle(segue: Segue, case: Case, number: int, began: datetime, within_s: float) -> str:
    """Send one event and wait until its run has ended or waits for what no operator of the case says."""
    stated = case.events[number]
    raw = RawEvent(
        source="/cases",
        id=case.event_id(number),
        type=stated.type,
        subject=stated.subject,
        time=began,
        data=stated.data,
    )
    (accepted,) = await segue.accept(TENANT, [raw])
    if accepted.run is None:
        raise Infrastructure(f"the event {stated.type!r} started no run")
    try:
        async with asyncio.timeout(within_s):
            while True:
                # To look whether anything runs is one query, to show a run are ten.
                going = (await segue.runs(TENANT, RunFilter(status="running"), None, 1)).items
                shown = None if going else await segue.run(TENANT, accepted.run)
                if shown is None or shown["status"] in {"queued", "running"}:
                    await asyncio.sleep(POLL_S)
                elif not await _answered(segue, case, shown):
                    return accepted.run
    except TimeoutError as error:
        raise Infrastructure(f"a run did not end within {within_s:.0f} s") from error


async def _answered(segue: Segue, case: Case, run: Mapping[str, Any]) -> bool:
    """Say what the case's operator says to the first open approval that they answer."""
    for approval in run["approvals"]:
        said = case.operator.get(approval["tool"] or "")
        if approval["state"] == "pending" and approval["kind"] == "call" and said is not None:
            await segue.answer(TENANT, approval["id"], GivenAnswer(approved=said == "approve", by="case"))
            return True
    return False


async def _aftermath(stage: list[httpx.AsyncClient], segue: Segue, runs: list[dict[str, Any]]) -> Aftermath:
    for run in runs:
        if run["status"] == "failed" or not run["decisions"]:
            raise Infrastructure(f"a run {run['status']} ({run.get('code')}) after {len(run['decisions'])} decisions")
    ledgers = [(await one.get("/_world/ledger")).raise_for_status().json() for one in stage]
    state = (await stage[0].get("/_world/state")).raise_for_status().json()
    open_questions = [
        approval
        for run in runs
        for approval in run["approvals"]
        if approval["state"] == "pending" and approval["kind"] == "question"
    ]
    return Aftermath(
        ledger=[row for rows in ledgers for row in rows],
        state=state,
        write_tools=frozenset(tool["name"] for tool in segue.tools() if tool["effect"] == "write"),
        statuses=[run["status"] for run in runs],
        offered=frozenset(option["tool"] for question in open_questions for option in question["options"]),
    )


def _client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://world")
