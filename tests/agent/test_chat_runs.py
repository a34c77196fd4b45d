"""Whole runs decided by a chat model over real HTTP: whatever the model does, the run comes to a named end."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.deciders.chat import ChatDecider
from agent.store.queries import Shown
from tests.agent.company import Company, dies, open_company
from tests.scripted_model import (
    ScriptedModel,
    Step,
    calls,
    cut,
    empty,
    error,
    forever,
    garbage,
    rate_limited,
    text,
)


async def at_once(_seconds: float) -> None:
    """No waiting between attempts."""


async def handled(tmp_path: Path, steps: list[Step]) -> tuple[Shown, Company]:
    """One event handled by a model with this script."""
    with ScriptedModel(steps) as model:
        decider = ChatDecider(model="scripted", base_url=model.base_url, api_key="k", max_retries=2, sleep=at_once)
        async with open_company(tmp_path, decider) as company:
            run = await company.handle("c-1", message="where is my parcel")
        await decider.aclose()
    return run, company


async def test_a_model_calls_tools_and_ends_with_words(tmp_path: Path) -> None:
    run, company = await handled(tmp_path, [calls(("pause_mail", {"days": 3})), text("Mail is paused.")])
    assert (run["status"], run["end"]) == ("done", {"code": "finished", "detail": "Mail is paused."})
    assert run["decided_by"] == "scripted"
    assert company.ledger.of("pause_mail") == [{"customer": "c-1", "days": 3}]
    assert run["decisions"][0]["tokens"] == 100


@pytest.mark.parametrize("fault", [rate_limited("0"), error(500), cut()])
async def test_a_passing_fault_of_the_model_is_survived(tmp_path: Path, fault: Step) -> None:
    run, company = await handled(tmp_path, [fault, calls(("pause_mail", {})), fault, text("done")])
    assert run["status"] == "done"
    assert len(company.ledger.of("pause_mail")) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (rate_limited("0"), "model_unavailable"),
        (error(500), "model_unavailable"),
        (cut(), "model_unavailable"),
        (garbage(), "model_answer_unreadable"),
        (empty(), "model_empty_answer"),
    ],
)
async def test_a_lasting_fault_of_the_model_ends_the_run_by_name(tmp_path: Path, fault: Step, code: str) -> None:
    run, company = await handled(tmp_path, [forever(fault)])  # type: ignore[arg-type]
    assert (run["status"], run["end"]["code"], run["decided_by"]) == ("failed", code, "scripted")
    assert company.ledger.deliveries == []


async def test_an_unknown_tool_and_wrong_arguments_are_told_and_can_be_repaired(tmp_path: Path) -> None:
    run, company = await handled(
        tmp_path,
        [
            calls(("launch_rocket", {}), ("pause_mail", {"days": "many"}), ("book_call", "not json {")),
            calls(("pause_mail", {"days": 2})),
            text("repaired"),
        ],
    )
    assert run["status"] == "done"
    assert [found["verdict"] for found in run["decisions"][0]["calls"]] == ["refused"] * 3
    assert company.ledger.of("pause_mail") == [{"customer": "c-1", "days": 2}]


async def test_an_endless_loop_is_stopped_and_the_call_is_made_once(tmp_path: Path) -> None:
    run, company = await handled(tmp_path, [forever(calls(("book_call", {"note": "again"})))])
    assert (run["status"], run["end"]["code"]) == ("stopped", "limit_decisions")
    assert len(company.ledger.of("book_call")) == 1


async def test_a_model_that_spends_too_many_tokens_is_stopped(tmp_path: Path) -> None:
    expensive = calls(("look_up", {}), tokens=600)
    run, _ = await handled(tmp_path, [forever(expensive)])
    assert (run["status"], run["end"]["code"]) == ("stopped", "limit_tokens")
    assert len(run["decisions"]) == 2


async def test_a_model_that_asks_again_for_an_effect_in_doubt_does_not_get_it(tmp_path: Path) -> None:
    steps: list[Step] = [
        calls(("book_call", {"note": "please"})),
        calls(("book_call", {"note": "please"})),
        text("I give up."),
        text("nothing more"),
    ]
    with ScriptedModel(steps) as model:
        decider = ChatDecider(model="scripted", base_url=model.base_url, api_key="k", sleep=at_once)
        async with open_company(tmp_path, decider) as company:
            company.ledger.faults["book_call"] = [dies]
            first = await company.handle("c-1", id="e-1", message="call me")
            assert (first["status"], first["effects"][0]["state"]) == ("waiting", "unknown")
            second = await company.handle("c-1", id="e-2", message="call me")
            assert second["effects"] == []
            assert "in doubt" in model.requests[-1].answers[-1]["error"]
            key = first["effects"][0]["key"]
            await company.segue.settle("default", key, state="done", result=None, reason=None, by="ann")
            first = await company.ended(first["id"])
        await decider.aclose()
    assert first["status"] == "done"
    assert len(company.ledger.of("book_call")) == 1


async def test_text_in_the_event_cannot_reach_another_customer_or_a_refund(tmp_path: Path) -> None:
    obedient: list[Step] = [
        calls(("pay_back", {"customer": "c-2", "amount": 100}), ("close_account", {}), ("pay_back", {"amount": 100})),
    ]
    run, company = await handled(tmp_path, obedient)
    assert run["status"] == "waiting"
    assert [found["verdict"] for found in run["decisions"][0]["calls"]] == ["refused", "refused", "approval"]
    assert company.ledger.deliveries == []
