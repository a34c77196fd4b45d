"""A company in which a call keeps some customers and mail keeps others, for tests of lessons. Start with `lives`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import distilling
from agent.deciders.chat import ChatDecider
from agent.store.queries import Shown
from agent.types import Call, Decision, Situation
from tests.agent.company import PORTFOLIO, Company, call, open_company, raw
from tests.scripted_model import Request, ScriptedModel, calls, text

PORTFOLIO_OF_LESSONS = PORTFOLIO.replace(
    "features: {tier: results.look_up.tier}", "features: {region: data.region}"
).replace("message: {type: string}", "message: {type: string}, region: {type: string}, tool: {type: string}")
GOOD_IN: dict[str, str] = {"eu": "book_call", "us": "pause_mail"}


class Told:
    """A decider that calls the tool the event names, so that a test says what was done."""

    name = "told"

    async def decide(self, situation: Situation) -> Decision:
        """That call first, nothing after it."""
        data = situation.event.data
        if situation.decision > 1:
            return Decision(kind="finish", reason="done", decided_by=self.name)
        calls: tuple[Call, ...] = (call(str(data["tool"])),)
        return Decision(kind="act", reason="as told", calls=calls, decided_by=self.name)


def lived(folder: Path, tell: Callable[[Company], Awaitable[object]]) -> Path:
    """A folder in which a company lived through that; no lesson was looked for."""

    async def live() -> None:
        async with open_company(folder, Told(), PORTFOLIO_OF_LESSONS) as company:
            await tell(company)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(distilling, "EVERY_S", 3600.0)
        asyncio.run(live())
    return folder


async def lives(
    company: Company,
    rounds: int,
    good: Callable[[str, str], bool],
    *,
    first: int = 0,
    source: str = "/tests",
    **more: Any,
) -> list[str]:
    """Each round both tools in both regions, with the outcome of each; the runs, once all outcomes are joined."""
    runs = []

    async def send(subject: str, name: str, kind: str, **data: Any) -> str:
        event = replace(raw(subject, id=name, type=kind, **data), source=source)
        (accepted,) = await company.segue.accept("default", [event])
        return accepted.run or ""

    for number in range(first, first + rounds):
        for region in GOOD_IN:
            for tool in ("book_call", "pause_mail"):
                name = f"{number}-{region}-{tool}"
                data = {"message": "the parcel is late", "region": region, "tool": tool, **more}
                runs.append(await send(f"c-{name}", f"e-{name}", "customer.upset", **data))
    for run in runs:
        shown = await company.ended(run)
        subject, data = shown["event"]["subject"], shown["event"]["data"]
        loyalty = float(good(data["region"], data["tool"]))
        await send(subject, f"o-{subject}", "customer.stayed", loyalty=loyalty)
    while (await company.segue.memories.outcomes("default", "new", None, 9)).items:
        await asyncio.sleep(0.02)
    return runs


def rightly(region: str, tool: str) -> bool:
    """What keeps customers: a call in the EU, no mail in the US."""
    return GOOD_IN[region] == tool


def wrongly(region: str, tool: str) -> bool:
    """The opposite."""
    return not rightly(region, tool)


async def distil(company: Company) -> list[Shown]:
    """Distil now; the lessons that stand."""
    await company.segue.lessons.distil("default", "customer.upset")
    return (await company.segue.lessons.page("default", None, "active", None, 50)).items


async def asked_of_a_model(tmp_path: Path, region: str, **changes: Any) -> tuple[Request, Shown]:
    """The first request a chat model gets for an event of that region, and the run."""
    with ScriptedModel([calls(("book_call", {})), text("done")]) as model:
        decider = ChatDecider(model="scripted", base_url=model.base_url, api_key="k")
        async with open_company(tmp_path, decider, PORTFOLIO_OF_LESSONS, **changes) as company:
            data = {"message": "the parcel is late", "region": region}
            run = await company.handle(f"m-{region}", id=f"m-{region}", **data)
        await decider.aclose()
    return model.requests[0], run


def configured(model: ScriptedModel) -> dict[str, Any]:
    """Settings with a chat model, which words lessons; what decides is given all the same."""
    return {"model": "scripted", "environment": {"OPENAI_BASE_URL": model.base_url}}
