"""A Segue whose playbook was taken away goes on by its graded runs."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from agent.service import GivenAnswer
from agent.store.past import MAX_DATA, MAX_RESULT, graded, lived
from agent.store.tables import effects
from tests.agent.company import PORTFOLIO, Company, Script, call, open_company
from tests.agent.test_outcomes import joined

BARE = PORTFOLIO.replace(
    """    playbook:
      - {purpose: pause advertising mail to the customer, step: calm}
""",
    "",
)
MESSAGES = ("the parcel is late", "nobody answers my letters", "the lamp is broken", "I was billed twice")


async def live_through(company: Company, count: int, *, graded: int, name: str = "c") -> None:
    """So many upset customers handled, the first of them with an outcome."""
    for number in range(count):
        subject = f"{name}-{number}"
        await company.handle(subject, id=f"e-{subject}", message=MESSAGES[number % len(MESSAGES)])
        if number < graded:
            await company.send(subject, id=f"o-{subject}", type="customer.stayed", loyalty=0.9)
    await joined(company.segue)


async def test_graded_runs_take_the_place_of_a_playbook(tmp_path: Path) -> None:
    async with open_company(tmp_path, None) as company:
        await live_through(company, 10, graded=10)
    async with open_company(tmp_path, None, BARE) as company:
        run = await company.handle("c-new", id="e-new", message="my order never came")
        assert run["status"] == "done"
        assert company.ledger.of("pause_mail") == [{"customer": "c-new", "days": 7}]
        assert {tool for tool, _, _ in company.ledger.deliveries} <= {"pause_mail", "look_up"}


async def test_runs_without_an_outcome_are_no_model(tmp_path: Path) -> None:
    async with open_company(tmp_path, None) as company:
        await live_through(company, 10, graded=7)
    async with open_company(tmp_path, None, BARE) as company:
        run = await company.handle("c-new", id="e-new", message="my order never came")
        assert run["status"] == "waiting"
        assert company.ledger.of("pause_mail") == []


async def test_what_an_operator_keeps_answering_is_done_unasked_in_the_end(tmp_path: Path) -> None:
    async with open_company(tmp_path, None, BARE) as company:
        for number in range(9):
            run = await company.handle(f"c-{number}", id=f"e-{number}", message=MESSAGES[number % 4])
            if number < 8:
                question = await company.approval()
                said = GivenAnswer(approved=True, by="eva", tool="pause_mail", arguments={"customer": f"c-{number}"})
                await company.segue.answer("default", question["id"], said)
                run = await company.ended(run["id"])
            assert run["status"] == "done"
        assert len(company.ledger.of("pause_mail")) == 9


async def test_with_memory_switched_off_nothing_is_usual(tmp_path: Path) -> None:
    async with open_company(tmp_path, None) as company:
        await live_through(company, 10, graded=10)
    async with open_company(tmp_path, None, BARE, memory=False) as company:
        run = await company.handle("c-new", id="e-new", message="my order never came")
        assert run["status"] == "waiting"
        assert company.ledger.of("pause_mail") == []


async def test_what_is_read_of_graded_runs_is_what_they_did_latest_first(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("pause_mail")]])) as company:
        await live_through(company, 4, graded=3)
        database = company.segue._database
        found = await database.read(lambda connection: graded(connection, "default", "customer.upset", 2))
        others = await database.read(lambda connection: graded(connection, "another", "customer.upset", 9))
        runs = await database.read(lambda connection: lived(connection, list(found)))
    assert [runs[one].data for one in found] == [{"message": MESSAGES[2]}, {"message": MESSAGES[1]}]
    assert [[(one.call.tool, one.state, one.result) for one in runs[run].results] for run in found] == [
        [("pause_mail", "done", {"paused": True})]
    ] * 2
    assert list(found.values()) == [{"loyalty": 0.9}] * 2
    assert others == {}


async def test_results_too_large_to_look_at_by_the_hundred_are_left_out(tmp_path: Path) -> None:
    large = {"paused": True, "log": "x" * MAX_RESULT}
    async with open_company(tmp_path, Script([[call("book_call"), call("pause_mail")]])) as company:
        run = await company.handle(message="m" * MAX_DATA)
        database = company.segue._database
        change = update(effects).where(effects.c.tool == "pause_mail").values(result=large)
        await database.write(lambda connection: connection.execute(change))
        found = await database.read(lambda connection: lived(connection, [run["id"]]))
    only = found[run["id"]]
    assert only.data == {}
    assert [(one.call.tool, one.result) for one in only.results] == [
        ("book_call", {"booked": True}),
        ("pause_mail", None),
    ]
