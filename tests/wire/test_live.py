"""The chat decider live, end to end, against the tiny model's server as a process. It decides; it is not judged.

uv run --group tiny pytest -m slow tests/wire -s
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.deciders.chat import ChatDecider
from agent.wiring import Settings, open_segue
from evals.processes import free_port
from evals.wire.company import ENDED, ORDER, PERMITTED, PORTFOLIO, handle
from evals.wire.scenes import situation
from evals.wire.tiny import Tiny, missing, serve_tiny
from tests.agent.company import embedder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(missing() is not None, reason=missing() or "installed"),
]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_run_decided_by_a_live_model_ends_lawfully(tmp_path: Path, seed: int) -> None:
    async with serve_tiny(Tiny(seed=seed), free_port()) as base_url:
        settings = Settings(
            portfolio=(PORTFOLIO,), data=tmp_path / "segue", model="tiny", environment={"OPENAI_BASE_URL": base_url}
        )
        async with open_segue(settings, None, embedder()) as segue:
            run = await handle(segue)
    asked = [(call["tool"], call["verdict"]) for decision in run["decisions"] for call in decision["calls"]]
    tokens = [decision["tokens"] for decision in run["decisions"]]
    print(f"seed {seed}: {run['status']} {run['end']} tokens {tokens} asked {asked}")
    assert run["status"] in ENDED
    assert run["status"] == "waiting" or run["end"]["code"]
    assert run["decided_by"] == "tiny"
    assert all(decision["decided_by"] == "tiny" and decision["tokens"] > 0 for decision in run["decisions"])
    assert run["decisions"] or run["status"] == "failed"
    # High risk waits for an operator, who is not there; everything done is permitted and about this order.
    assert {effect["tool"] for effect in run["effects"]} <= PERMITTED - {"tell_customer"}
    assert all(effect["arguments"]["order_id"] == ORDER for effect in run["effects"])


async def test_a_live_server_says_the_same_again_with_the_same_seed() -> None:
    said = []
    for _ in range(2):
        async with serve_tiny(Tiny(seed=6), free_port()) as base_url:
            decider = ChatDecider(model="tiny", base_url=base_url, timeout_s=300)
            said.append(await decider.decide(situation()))
            await decider.aclose()
    assert said[0] == said[1]
