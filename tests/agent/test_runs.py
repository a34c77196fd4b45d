"""How a run goes from its event to its end, with real tools, a real store and a scripted decider."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.accepting import BatchError
from agent.errors import Conflict, Refused
from agent.service import GivenAnswer, GivenCall
from agent.types import DeciderError, Question
from tests.agent.company import PORTFOLIO, Script, call, dies, open_company, raw, refuses


async def test_an_event_becomes_a_run_whose_calls_are_made_and_recorded(tmp_path: Path) -> None:
    script = Script([[call("look_up", customer="c-1"), call("pause_mail", customer="c-1")]])
    async with open_company(tmp_path, script) as company:
        run = await company.handle("c-1", message="I am upset")
    assert run["status"] == "done"
    assert run["decided_by"] == "script"
    assert [(effect["tool"], effect["state"]) for effect in run["effects"]] == [
        ("look_up", "done"),
        ("pause_mail", "done"),
    ]
    assert run["effects"][0]["key"] == f"{run['id']}:1:0"
    delivered = {name: key for name, _, key in company.ledger.deliveries}
    assert delivered == {"look_up": f"{run['id']}:1:0", "pause_mail": f"{run['id']}:1:1"}


async def test_a_redelivered_event_starts_no_second_run(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("book_call", customer="c-1")]])) as company:
        event = raw("c-1", message="hello")
        answers = await asyncio.gather(*(company.segue.accept("default", [event]) for _ in range(10)))
        runs = {accepted.run for (accepted,) in answers}
        (only,) = runs
        assert only is not None
        await company.ended(only)
        assert sum(not accepted.duplicate for (accepted,) in answers) == 1
        assert len(company.ledger.of("book_call")) == 1


async def test_the_same_id_with_another_body_is_a_conflict_and_stores_nothing_of_the_batch(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        await company.handle("c-1", message="hello")
        with pytest.raises(BatchError, match="already accepted with another content") as caught:
            await company.segue.accept("default", [raw("c-2", id="e-2"), raw("c-1", message="other")])
        assert caught.value.kind == "conflict"
        assert set(caught.value.errors) == {1}
        assert (await company.segue.counts("default"))["runs"] == {"done": 1}


async def test_runs_of_one_subject_go_one_at_a_time_in_arrival_order(tmp_path: Path) -> None:
    inside: list[str] = []
    most = 0

    async def enter() -> None:
        nonlocal most
        inside.append("x")
        most = max(most, len(inside))
        await asyncio.sleep(0)
        inside.pop()

    async with open_company(tmp_path, Script([[call("book_call", customer="c-1")]])) as company:
        company.ledger.faults["book_call"] = [enter] * 6
        batch = [raw("c-1", id=f"e-{number}", message=str(number)) for number in range(6)]
        accepted = await company.segue.accept("default", batch)
        runs = [await company.ended(one.run or "") for one in accepted]
    assert most == 1
    assert [run["closed_at"] for run in runs] == sorted(run["closed_at"] for run in runs)
    keys = [key for _, _, key in company.ledger.deliveries]
    assert keys == [f"{one.run}:1:0" for one in accepted]


async def test_runs_of_different_subjects_go_in_parallel(tmp_path: Path) -> None:
    everybody = asyncio.Barrier(4)

    async def meet() -> None:
        await everybody.wait()

    async with open_company(tmp_path, Script([[call("book_call")]])) as company:
        company.ledger.faults["book_call"] = [meet] * 4
        accepted = await company.segue.accept("default", [raw(f"c-{n}", id=f"e-{n}") for n in range(4)])
        for one in accepted:
            assert (await company.ended(one.run or ""))["status"] == "done"


async def test_calls_of_one_decision_run_in_parallel(tmp_path: Path) -> None:
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    async with open_company(tmp_path, Script([[call("book_call"), call("pause_mail")]])) as company:
        company.ledger.faults = {"book_call": [meet], "pause_mail": [meet]}
        assert (await company.handle())["status"] == "done"


async def test_bound_arguments_are_filled_in_and_another_value_is_refused_and_told(tmp_path: Path) -> None:
    script = Script([[call("book_call", customer="c-2")], [call("book_call")]])
    async with open_company(tmp_path, script) as company:
        run = await company.handle("c-1")
    assert company.ledger.of("book_call") == [{"customer": "c-1", "note": ""}]
    (refused,) = script.seen[1].results
    assert refused.state == "refused"
    assert "'customer' must be 'c-1'" in (refused.error or "")
    assert run["decisions"][0]["calls"][0]["verdict"] == "refused"
    assert run["decisions"][0]["candidates"][0]["permitted"] is False


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (call("close_account"), "not allowed"),
        (call("launch_rocket"), "no tool"),
        (call("pause_mail", days="many"), "do not fit"),
        (call("pause_mail", unasked=1), "do not fit"),
    ],
)
async def test_a_call_that_is_not_permitted_is_refused_and_stored(tmp_path: Path, asked: object, why: str) -> None:
    async with open_company(tmp_path, Script([[asked]])) as company:  # type: ignore[list-item]
        run = await company.handle()
    assert run["status"] == "done"
    assert run["effects"] == []
    assert why in run["decisions"][0]["calls"][0]["why"]
    assert company.ledger.deliveries == []


async def test_a_tool_that_refuses_becomes_a_message_to_the_decider(tmp_path: Path) -> None:
    script = Script([[call("book_call")]])
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["book_call"] = [refuses]
        run = await company.handle()
    assert run["effects"][0]["state"] == "failed"
    assert script.seen[1].results[0].error == "not today"
    assert run["status"] == "done"


async def test_an_idempotent_tool_in_doubt_is_repeated_under_its_own_key(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        company.ledger.faults["pause_mail"] = [dies, dies]
        run = await company.handle()
    assert run["effects"][0]["state"] == "done"
    assert run["effects"][0]["attempts"] == 3
    assert len({key for _, _, key in company.ledger.deliveries}) == 1


async def test_an_effect_in_doubt_parks_the_run_and_blocks_its_like_until_it_is_settled(tmp_path: Path) -> None:
    script = Script([[call("book_call")], [call("book_call")]])
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["book_call"] = [dies]
        first = await company.handle("c-1", id="e-1")
        assert first["status"] == "waiting"
        assert first["effects"][0]["state"] == "unknown"

        second = await company.handle("c-1", id="e-2")
        assert second["status"] == "done"
        assert second["effects"] == []
        assert "in doubt" in second["decisions"][0]["calls"][0]["why"]
        other = await company.handle("c-2", id="e-3")
        assert other["effects"][0]["state"] == "done"

        key = first["effects"][0]["key"]
        await company.segue.settle("default", key, state="failed", result=None, reason="not there", by="ann")
        with pytest.raises(Conflict):
            await company.segue.settle("default", key, state="done", result=None, reason=None, by="bob")
        run = await company.ended(first["id"])
    assert run["status"] == "done"
    assert [effect["state"] for effect in run["effects"]] == ["failed", "done"]
    assert len(company.ledger.of("book_call")) == 3


async def test_a_write_that_was_done_is_not_repeated_in_the_same_run(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("book_call"), call("book_call")], [call("book_call")]])) as company:
        run = await company.handle()
    assert len(company.ledger.of("book_call")) == 1
    assert [found["verdict"] for decision in run["decisions"] for found in decision["calls"]] == [
        "permitted",
        "refused",
        "refused",
    ]


async def test_high_risk_waits_for_one_approval_of_the_exact_arguments(tmp_path: Path) -> None:
    script = Script([[call("pay_back", amount=5), call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        run = await company.handle()
        assert run["status"] == "waiting"
        assert [effect["tool"] for effect in run["effects"]] == ["pause_mail"]
        approval = await company.approval()
        assert (approval["tool"], approval["arguments"]) == ("pay_back", {"amount": 5, "customer": "c-1"})
        answers = await asyncio.gather(
            *(company.segue.answer("default", approval["id"], GivenAnswer(approved=True)) for _ in range(4)),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, Conflict) for answer in answers) == 3
        run = await company.ended(run["id"])
    assert run["status"] == "done"
    assert company.ledger.of("pay_back") == [{"customer": "c-1", "amount": 5}]


async def test_a_parked_run_does_not_hold_its_subject_and_survives_a_restart(tmp_path: Path) -> None:
    script = Script([[call("pay_back", amount=5)]])
    async with open_company(tmp_path, script) as company:
        parked = await company.handle("c-1", id="e-1")
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        assert (await company.handle("c-1", id="e-2"))["status"] == "done"
        approval = await company.approval()
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=False, reason="too much"))
        run = await company.ended(parked["id"])
    assert run["status"] == "done"
    assert company.ledger.of("pay_back") == []
    assert run["approvals"][0]["state"] == "rejected"


async def test_an_edit_against_the_binding_is_refused_stored_and_told_and_the_approval_stays_open(
    tmp_path: Path,
) -> None:
    script = Script([[call("pay_back", amount=5)]])
    async with open_company(tmp_path, script) as company:
        run = await company.handle()
        approval = await company.approval()
        edits: list[dict[str, Any]] = [{"customer": "c-9", "amount": 5}, {"amount": "a lot"}, {"amount": 5, "to": "me"}]
        for arguments in edits:
            given = GivenAnswer(approved=True, arguments=arguments, by="ann")
            with pytest.raises(Refused):
                await company.segue.answer("default", approval["id"], given)
        given = GivenAnswer(approved=True, arguments={"amount": 4}, by="ann")
        await company.segue.answer("default", approval["id"], given)
        run = await company.ended(run["id"])
    assert company.ledger.of("pay_back") == [{"customer": "c-1", "amount": 4}]
    refused = [found for found in run["decisions"][0]["calls"] if found["verdict"] == "refused"]
    assert [found["decided_by"] for found in refused] == ["ann"] * 3
    assert [result.state for result in script.seen[1].results] == ["done", "refused", "refused", "refused"]


async def test_a_question_parks_the_run_and_the_operators_calls_are_made(tmp_path: Path) -> None:
    question = Question(text="What now?", options=(call("book_call"), call("pause_mail")))
    script = Script([question])
    async with open_company(tmp_path, script) as company:
        run = await company.handle()
        approval = await company.approval()
        assert approval["kind"] == "question"
        assert [option["tool"] for option in approval["options"]] == ["book_call", "pause_mail"]
        chosen = (GivenCall(tool="pause_mail", arguments={"days": 3}), GivenCall(tool="look_up", arguments={}))
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=True, calls=chosen, by="ann"))
        run = await company.ended(run["id"])
        page = await company.segue.memories.episodes("default", None, 10)
    assert run["status"] == "done"
    assert company.ledger.of("pause_mail") == [{"customer": "c-1", "days": 3}]
    (episode,) = page.items
    assert {action["decided_by"] for action in episode["actions"]} == {"operator"}
    assert episode["decided_by"] == "operator"


async def test_a_declined_question_is_remembered_as_declined(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([Question(text="Call?", options=(call("book_call"),))])) as company:
        run = await company.handle()
        approval = await company.approval()
        await company.segue.answer("default", approval["id"], GivenAnswer(approved=False))
        run = await company.ended(run["id"])
        page = await company.segue.memories.episodes("default", None, 10)
    assert run["status"] == "done"
    assert company.ledger.deliveries == []
    assert page.items[0]["declined"] == ["book_call"]


async def test_an_endless_decider_is_stopped_by_its_limits(tmp_path: Path) -> None:
    script = Script([[call("pause_mail", days=n)] for n in range(1, 100)])
    async with open_company(tmp_path, script) as company:
        run = await company.handle()
    assert (run["status"], run["end"]["code"]) == ("stopped", "limit_decisions")
    assert len(company.ledger.deliveries) == 6


async def test_the_limit_of_calls_holds_within_one_decision(tmp_path: Path) -> None:
    script = Script([[call("pause_mail", days=n) for n in range(1, 20)]])
    async with open_company(tmp_path, script) as company:
        run = await company.handle()
    assert len(company.ledger.deliveries) == 8
    assert (run["status"], run["end"]["code"]) == ("stopped", "limit_calls")


async def test_a_decider_that_cannot_decide_ends_the_run_with_its_code_and_frees_the_subject(tmp_path: Path) -> None:
    script = Script([DeciderError("model_unavailable", "three times 500")])
    async with open_company(tmp_path, script) as company:
        run = await company.handle("c-1", id="e-1")
        assert (run["status"], run["end"]) == (
            "failed",
            {"code": "model_unavailable", "detail": "three times 500"},
        )
        script.entries = []
        assert (await company.handle("c-1", id="e-2"))["status"] == "done"


async def test_a_bug_in_a_decider_ends_its_run_and_no_other(tmp_path: Path) -> None:
    script = Script([ZeroDivisionError("oops")])
    async with open_company(tmp_path, script) as company:
        run = await company.handle("c-1", id="e-1")
        assert (run["status"], run["end"]["code"]) == ("failed", "internal_error")
        script.entries = [[call("pause_mail")]]
        assert (await company.handle("c-1", id="e-2"))["status"] == "done"


async def test_an_outcome_is_joined_graded_and_brings_evidence_to_the_next_decision(tmp_path: Path) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        run = await company.handle("c-1", message="my parcel never came")
        await company.send("c-1", id="o-1", type="customer.stayed", loyalty=0.8)
        await company.send("c-7", id="o-2", type="customer.stayed", loyalty=0.8)
        while any(
            one["state"] == "new" for one in (await company.segue.memories.outcomes("default", None, None, 9)).items
        ):
            await asyncio.sleep(0.02)
        run = await company.segue.run("default", run["id"])
        unmatched = await company.segue.memories.outcomes("default", "unmatched", None, 9)
        assert run["outcomes"][0]["rewards"] == {"loyalty": 0.8}
        assert [one["subject"] for one in unmatched.items] == ["c-7"]
        assert (await company.segue.counts("default"))["runs"] == {"done": 1}

        again = await company.handle("c-2", id="e-2", message="the parcel never came")
    evidence = script.seen[-2].evidence["pause_mail"]
    assert evidence.success > evidence.failure > 0
    assert evidence.episodes == (run["id"],)
    assert again["evidence"][0]["action"] == "pause_mail"


async def test_memory_off_decides_without_evidence_and_still_writes_episodes(tmp_path: Path) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script, memory=False) as company:
        await company.handle("c-1", message="hello")
        await company.send("c-1", id="o-1", type="customer.stayed", loyalty=1)
        await company.handle("c-2", id="e-2", message="hello")
        episodes = await company.segue.memories.episodes("default", None, 10)
    assert all(not situation.evidence for situation in script.seen)
    assert len(episodes.items) == 2


OPEN_CHOICE = PORTFOLIO.replace(
    "    playbook:\n      - {purpose: pause advertising mail to the customer, step: calm}\n", ""
)


async def test_without_a_playbook_a_run_that_called_nothing_says_so_in_its_episode(tmp_path: Path) -> None:
    scripts = {
        "e-1": Script([]),
        "e-2": Script([Question(text="What now?", options=(call("pause_mail", days=1),))]),
        "e-3": Script([[call("pause_mail", days=1)]]),
    }
    done: dict[str, list[tuple[str, str]]] = {}
    for name, script in scripts.items():
        async with open_company(tmp_path / name, script, OPEN_CHOICE) as company:
            run = await company.handle("c-1", id=name)
            if name == "e-2":
                approval = await company.approval()
                await company.segue.answer("default", approval["id"], GivenAnswer(approved=False, by="ann"))
                while (await company.segue.run("default", run["id"]))["status"] != "done":
                    await asyncio.sleep(0.02)
            (episode,) = (await company.segue.memories.episodes("default", None, 9)).items
            done[name] = [(one["action"], one["decided_by"]) for one in episode["actions"]]
    assert done == {
        "e-1": [("(nothing)", "script")],
        "e-2": [("(nothing)", "operator")],
        "e-3": [("pause_mail", "script")],
    }


async def test_with_a_playbook_doing_nothing_is_no_action_of_its_own(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([])) as company:
        await company.handle("c-1")
        (episode,) = (await company.segue.memories.episodes("default", None, 9)).items
    assert episode["actions"] == []
