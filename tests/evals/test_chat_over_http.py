"""A scripted chat model behind Segue's HTTP, on a world of its own: every fault has a named end, with real waits.

They are a tenth as long as by default; how long those are is told in tests/agent/deciders/test_chat_faults.py.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import evals
from agent.deciders import chat_endpoint
from agent.recording import Retrying
from agent.wiring import Settings, open_segue
from api.app import build_app
from evals.processes import Stage, address, free_port, serve_world
from tests.agent.company import embedder, embedding_cache
from tests.scripted_model import (
    Reply,
    Request,
    ScriptedModel,
    calls,
    cut,
    empty,
    error,
    forever,
    garbage,
    rate_limited,
    text,
)

WORLD = "retail_care"
PORTFOLIO = Path(evals.__file__).parent / "worlds" / WORLD / "portfolio.yaml"
WITHIN_S = 45.0
"""Three tries of a run, each of up to five attempts with at most 0.75 s of waiting in all, beside fifteen others."""
HURRY = 10.0

FAULTS: Mapping[str, tuple[Sequence[Reply], tuple[str, str]]] = {
    # what the model answers, the last for ever; how the run ends
    "429 once": ([rate_limited(str(1 / HURRY)), text("well again")], ("done", "finished")),
    "429 for ever": ([rate_limited(str(1 / HURRY))], ("failed", "model_unavailable")),
    "429 until tomorrow": ([rate_limited("86400")], ("failed", "model_unavailable")),
    "500 once": ([error(500), text("well again")], ("done", "finished")),
    "500 for ever": ([error(500)], ("failed", "model_unavailable")),
    "cut once": ([cut(), text("well again")], ("done", "finished")),
    "cut for ever": ([cut()], ("failed", "model_unavailable")),
    "no such model": ([error(404)], ("failed", "model_bad_request")),
    "wrong key": ([error(401)], ("failed", "model_unauthorized")),
    "garbage": ([garbage()], ("failed", "model_answer_unreadable")),
    "empty": ([empty()], ("failed", "model_empty_answer")),
    "unknown tool, then repaired": ([calls(("launch", {})), text("given up")], ("done", "finished")),
    "unknown tool for ever": ([calls(("launch", {}))], ("stopped", "limit_decisions")),
    "not allowed": ([calls(("issue_refund", {"order_id": "R-1", "amount": 5}))], ("stopped", "limit_decisions")),
    "wrong arguments": ([calls(("open_case", {"team": 7}), ("book_callback", "{"))], ("stopped", "limit_decisions")),
    "endless loop": ([calls(("book_callback", {}))], ("stopped", "limit_decisions")),
}


class ByCustomer:
    """What the model answers depends on whose event it is asked about, so that runs can go at once."""

    def __init__(self, scripts: Mapping[str, Sequence[Reply]]) -> None:
        self._scripts = scripts
        self._asked: dict[str, int] = defaultdict(int)

    def __call__(self, request: Request) -> Reply:
        (customer,) = (name for name in self._scripts if f'"{name}"' in request.user)
        self._asked[customer] += 1
        script = self._scripts[customer]
        return script[min(self._asked[customer], len(script)) - 1]


@asynccontextmanager
async def chat_stage(data: Path, answer: Callable[[Request], Reply]) -> AsyncIterator[Stage]:
    """A world as a process, and a Segue in this one that the scripted model decides for; both are asked over HTTP."""
    port = free_port()
    with ScriptedModel([forever(answer)]) as model:
        environment = {
            "OPENAI_BASE_URL": model.base_url,
            "SEGUE_CACHE": str(embedding_cache()),
            "RETAIL_CARE_URL": address(port),
        }
        settings = Settings(
            portfolio=(PORTFOLIO,),
            data=data / "segue",
            model="scripted",
            environment=environment,
            retrying=Retrying(backoff_s=0.01),
        )
        async with (
            httpx.AsyncClient(timeout=30, trust_env=False) as plain,
            serve_world(WORLD, data, plain, port=port, seed=31, segue_port=free_port()),
            open_segue(settings, None, embedder()) as segue,
            httpx.AsyncClient(mounts={"all://localhost": httpx.ASGITransport(build_app(segue))}, timeout=30) as http,
        ):
            yield Stage(world_url=address(port), segue_url="http://localhost", http=http)


async def events_of(stage: Stage, customers: Sequence[str]) -> list[dict[str, Any]]:
    """One failed conversation of each."""
    (made,) = await stage.world("/_world/events", type="support.conversation.failed", n=1, seed=4)
    return [{**made, "id": f"about-{customer}", "subject": customer} for customer in customers]


async def test_whatever_the_model_does_the_run_comes_to_a_named_end_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = chat_endpoint.backoff_s
    monkeypatch.setattr(chat_endpoint, "backoff_s", lambda attempt, salt: usual(attempt, salt) / HURRY)
    customers = {f"cust-{number:04}": name for number, name in enumerate(FAULTS, start=1)}
    answer = ByCustomer({customer: FAULTS[name][0] for customer, name in customers.items()})
    async with chat_stage(tmp_path, answer) as stage:
        runs = await stage.send(await events_of(stage, list(customers)))
        async with asyncio.timeout(WITHIN_S):
            ended = await asyncio.gather(*(stage.until_ended(run) for run in runs))
        booked = [row for row in await stage.world("/_world/ledger") if row["tool"] == "book_callback"]
        touched = {row["tool"] for row in await stage.world("/_world/ledger")}
    found = {customers[run["event"]["subject"]]: (run["status"], run["end"]["code"]) for run in ended}
    assert found == {name: end for name, (_, end) in FAULTS.items()}
    assert all(run["end"]["detail"] for run in ended)
    # The endless loop got its call once, and nothing else had an effect.
    assert [row["applied"] for row in booked] == [True]
    assert touched == {"book_callback"}


async def test_a_model_that_asks_again_for_an_unknown_effect_does_not_get_it(tmp_path: Path) -> None:
    again = [calls(("book_callback", {})), calls(("book_callback", {})), text("given up")]
    later = [calls(("book_callback", {})), text("given up")]
    scripts = {"cust-0001": [*again, *later, *later]}
    async with chat_stage(tmp_path, ByCustomer(scripts)) as stage:
        await stage.tell_world("/_world/fault", {"tool": "book_callback", "mode": "die_after_effect", "times": 1})
        (event,) = await events_of(stage, ["cust-0001"])
        (run,) = await stage.send([event])
        parked = await stage.until_ended(run)
        (lost,) = parked["effects"]
        assert (parked["status"], lost["state"]) == ("waiting", "unknown")

        (other,) = await stage.send([{**event, "id": "while in doubt"}])
        assert "in doubt" in refusals(await stage.until_ended(other))[0]

        await stage.tell_segue(f"/v1/effects/{lost['key']}/settle", {"state": "done", "reason": "seen in the diary"})
        settled = await stage.until_ended(run)
        assert (settled["status"], settled["end"]["code"]) == ("done", "finished")
        assert "already made" in refusals(settled)[0]
        assert [row["applied"] for row in await stage.world("/_world/ledger")] == [True]


def refusals(run: Mapping[str, Any]) -> list[str]:
    """Why calls of a run were refused."""
    made = [found for decision in run["decisions"] for found in decision["calls"]]
    return [found["why"] for found in made if found["verdict"] == "refused"]
