"""Each call is credited by its own result where it has one, else by a discounted share of the run's."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.portfolio.mistakes import PortfolioError
from agent.store import episodes
from agent.store.ledger import find
from memory.types import ActionEvidence, Episode
from tests.agent.bench import NO_PATIENCE, open_bench
from tests.agent.company import PORTFOLIO, Company, Script, call, open_company, refuses
from tests.agent.conftest import new_database
from tests.agent.sources import joined_all
from tools.types import Answer, Answered, Declined, Governance, InDoubt

VERIFIED = PORTFOLIO.replace("book_call: {step: calm,", 'book_call: {step: calm, verify: "result.booked",')


async def lived(company: Company, run: str) -> Episode:
    """The episode of a run."""
    read = company.segue.memories._database.read
    (found,) = await read(lambda connection: episodes.fetch(connection, "default", [run]))
    return found


async def heard(company: Company, runs: Sequence[str]) -> Sequence[Episode]:
    """Those of the runs that have something to say, as recall reads them."""
    read = company.segue.memories._database.read
    found: Sequence[Episode] = await read(
        lambda connection: episodes.EpisodeReader().fetch(connection, "default", runs)
    )
    return found


async def test_a_call_that_the_tool_turned_down_is_evidence_against_it_before_any_outcome(tmp_path: Path) -> None:
    script = Script([[call("book_call", customer="c-1")], [call("pause_mail", customer="c-1")]])
    async with open_company(tmp_path, script) as company:
        company.ledger.faults["book_call"] = [refuses]
        shown = await company.handle(message="the parcel is late")
        assert [one["state"] for one in shown["effects"]] == ["failed", "done"]
        assert [one.get("verified") for one in shown["effects"]] == [0.0, None]
        run = str(shown["id"])
        (episode,) = await heard(company, [run])
        told = {one.action: (one.done, one.verified, one.later) for one in episode.actions}
        assert told == {"book_call": (False, 0.0, 1), "pause_mail": (True, None, 0)}
        script.entries, script.seen = [[]], []
        await company.handle("c-2", id="e-2", message="the parcel is late")
        against: ActionEvidence = script.seen[0].evidence["book_call"]
        assert against.failure > 0 == against.success
        assert "pause_mail" not in script.seen[0].evidence


async def test_a_tool_that_breaks_has_said_nothing_of_the_case(tmp_path: Path) -> None:
    refusal = Declined(error="HTTP 503", tells="unwell")
    async with open_bench(tmp_path, [refusal], patience=NO_PATIENCE) as bench:
        assert await bench.perform() == "failed"
        assert (await bench.effect()).verified is None


@pytest.mark.parametrize(
    ("governance", "answer", "state", "verified"),
    [
        (Governance(), Declined(error="HTTP 409", judged=True), "failed", 0.0),
        (Governance(), Declined(error="HTTP 401"), "failed", None),
        (Governance(effect="read"), Declined(error="HTTP 404", judged=True), "failed", None),
        (Governance(), InDoubt(error="cut off"), "unknown", None),
        (Governance(verify="result.kept"), Answered(result={"kept": True}), "done", 1.0),
        (Governance(verify="result.kept / arguments.n"), Answered(result={"kept": 1.5}), "done", 0.75),
        (Governance(verify="result.kept"), Answered(result={}), "done", None),
        (Governance(verify="result.kept"), Answered(result={"kept": 7.0}), "done", None),
        (Governance(verify="result.kept"), Answered(result=None), "done", None),
    ],
)
async def test_what_an_answer_says_of_the_call(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    governance: Governance,
    answer: Answer,
    state: str,
    verified: float | None,
) -> None:
    async with open_bench(tmp_path, [answer], governance=governance, patience=NO_PATIENCE) as bench:
        with caplog.at_level(logging.WARNING, "agent.verifying"):
            assert await bench.perform(2) == state
        assert (await bench.effect(2)).verified == verified
        unread = governance.verify is not None and verified is None
        assert ("the result of act is not verified" in caplog.text) == unread
        assert (await bench.database.read(lambda connection: find(connection, "run:1:2"))) is not None


async def test_a_verified_call_keeps_its_result_and_the_others_answer_for_what_became_of_the_run(
    tmp_path: Path,
) -> None:
    first = [call("look_up", customer="c-1")]
    script = Script([first, [call("book_call", customer="c-1"), call("pause_mail", customer="c-1")]])
    async with open_company(tmp_path, script, VERIFIED) as company:
        run = str((await company.handle(message="the parcel is late"))["id"])
        await company.send(type="customer.stayed", id="o-1", loyalty=0.0)
        await joined_all(company.segue)
        episode = await lived(company, run)
        assert {one.action: (one.verified, one.later) for one in episode.actions} == {
            "look_up": (None, 1),
            "book_call": (1.0, 0),
            "pause_mail": (None, 0),
        }
        script.entries, script.seen = [[]], []
        await company.handle("c-2", id="e-2", message="the parcel is late")
        told = script.seen[0].evidence
        assert told["book_call"].success > 0 == told["book_call"].failure
        assert told["pause_mail"].failure > told["look_up"].failure > 0


async def test_an_action_that_worked_at_the_second_try_is_done_and_answers_for_the_run(tmp_path: Path) -> None:
    again = [call("book_call", customer="c-1", note="again")]
    async with open_company(tmp_path, Script([[call("book_call", customer="c-1")], again])) as company:
        company.ledger.faults["book_call"] = [refuses]
        episode = await lived(company, str((await company.handle(message="late"))["id"]))
        assert [(one.done, one.verified) for one in episode.actions] == [(True, None)]


@pytest.mark.parametrize(
    ("verify", "problem"),
    [("true", "reads nothing"), ("result.", "verify"), ("data.kept", "'data'"), ("nope(result)", "nope")],
)
async def test_a_verify_that_cannot_be_read_is_a_mistake_of_the_portfolio(
    tmp_path: Path, verify: str, problem: str
) -> None:
    wrong = VERIFIED.replace("result.booked", verify)
    with pytest.raises(PortfolioError) as caught:
        async with open_company(tmp_path, Script([]), wrong):
            raise AssertionError("it was opened")
    assert "tools.book_call.verify" in str(caught.value)
    assert problem in str(caught.value)


async def test_the_own_result_is_kept_on_postgresql_too(tmp_path: Path, postgres_url: str) -> None:
    url = new_database(postgres_url, "credit")
    script = Script([[call("book_call", customer="c-1")]])
    async with open_company(tmp_path, script, VERIFIED, database_url=url) as company:
        shown = await company.handle(message="the parcel is late")
        assert [one["verified"] for one in shown["effects"]] == [1.0]
        (episode,) = await heard(company, [str(shown["id"])])
        assert [one.verified for one in episode.actions] == [1.0]
