"""Who takes care of what waits: one at a time, a note and no lock, and over with what it is about."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from agent.errors import Conflict, NotFound
from agent.service import GivenAnswer
from agent.store import pruning
from agent.store.activity import ActivityFilter
from agent.store.assignments import Kind
from agent.store.tables import assignments
from agent.store.waits import KINDS, Whose
from tests.agent.company import Company, dies, open_company
from tests.operating.tool_company import AsTold, live, look


async def wait_for_one(company: Company, kind: Kind, subject: str = "c-1") -> str:
    """Something of the kind that waits."""
    if kind == "approval":
        return str((await live(company, subject, ["pay_back"], amount=5))["approvals"][0]["id"])
    if kind == "effect":
        company.ledger.faults["book_call"] = [dies]
        return str((await live(company, subject, ["book_call"]))["effects"][0]["key"])
    return str((await live(company, subject, [], crash=True))["id"])


async def give(company: Company, kind: Kind, item: str, to: str | None, held_by: str | None = None) -> Any:
    """Say who has it, as `tim`."""
    return await company.segue.assigning.assign("default", kind, item, to=to, held_by=held_by, by="tim")


async def rows(company: Company) -> int:
    """Assignments that are kept."""
    query = select(func.count()).select_from(assignments)
    return await company.segue._database.read(lambda connection: connection.execute(query).scalar_one())


async def whose(company: Company, name: str | None) -> list[str]:
    """Ids of what somebody has."""
    return [one.id for one in await company.segue.desk.heads("default", KINDS, 99, Whose(name=name))]


@pytest.mark.parametrize("kind", ["approval", "effect", "letter"])
async def test_of_two_who_take_it_the_second_is_told_who_has_it(tmp_path: Path, kind: Kind) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        item = await wait_for_one(company, kind)
        assert await whose(company, None) == [item]
        both = await asyncio.gather(
            *(give(company, kind, item, name) for name in ("ann", "bea")), return_exceptions=True
        )
        (first,) = [one for one in both if not isinstance(one, BaseException)]
        (second,) = [one for one in both if isinstance(one, Conflict)]
        assert f"'{first.to}' has" in str(second)
        assert await give(company, kind, item, first.to) == first, "again changes nothing"
        assert (await whose(company, first.to), await whose(company, None)) == ([item], [])
        other = {"ann": "bea", "bea": "ann"}[first.to]
        taken = await give(company, kind, item, other, held_by=first.to)
        assert (taken.to, taken.by) == (other, "tim")
        lines = (await company.segue.activity.page("default", ActivityFilter(who="tim"), None, 9)).items
        assert [(one["act"], one["about"], one["detail"]) for one in lines] == [
            ("assigned", item, {"to": other, "had": first.to}),
            ("assigned", item, {"to": first.to}),
        ]
        with pytest.raises(Conflict, match=f"'{other}' has"):
            await give(company, kind, item, None, held_by=first.to)
        assert await give(company, kind, item, None, held_by=other) is None
        with pytest.raises(Conflict, match="nobody has"):
            await give(company, kind, item, "ann", held_by="bea")
        assert (await rows(company), await whose(company, None)) == (0, [item])


async def end(company: Company, how: str, item: str) -> None:
    """Bring it to its end."""
    segue = company.segue
    match how:
        case "answered":
            await segue.answer("default", item, GivenAnswer(approved=False, by="zoe"))
        case "cancelled":
            run = (await segue.approval("default", item))["run"]
            await segue.cancel("default", run, by="zoe")
            await company.ended(run)
            while (await segue.run("default", run))["status"] != "cancelled":
                await asyncio.sleep(0.01)
        case "settled":
            await segue.settle("default", item, state="done", result=None, reason=None, by="zoe")
        case "discarded":
            await segue.dead.discard("default", item, by="zoe", reason=None)
        case "replayed":
            await segue.dead.replay("default", item, by="zoe")


ENDS = [
    ("approval", "answered"),
    ("approval", "cancelled"),
    ("effect", "settled"),
    ("letter", "discarded"),
    ("letter", "replayed"),
]


@pytest.mark.parametrize(("kind", "how"), ENDS)
async def test_whoever_has_it_another_may_end_it_and_the_assignment_with_it(
    tmp_path: Path, kind: Kind, how: str
) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        item = await wait_for_one(company, kind)
        await give(company, kind, item, "ann")
        await end(company, how, item)
        assert await rows(company) == 0
        assert await whose(company, "ann") == []
        if how != "replayed":
            with pytest.raises(Conflict, match="by now, so nobody has to take care of it"):
                await give(company, kind, item, "bea")


async def test_a_letter_that_comes_back_after_a_replay_is_nobodys(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        item = await wait_for_one(company, "letter")
        await give(company, "letter", item, "ann")
        await company.segue.dead.replay("default", item, by="zoe")
        while (await company.segue.desk.letter("default", item))["state"] != "open":
            await asyncio.sleep(0.01)
        assert await whose(company, None) == [item]


async def test_what_is_not_there_or_another_tenants_cannot_be_taken(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        item = await wait_for_one(company, "approval")
        missing: list[tuple[str, Kind, str]] = [
            *(("default", "approval", "none"), ("default", "effect", item)),
            ("other", "approval", item),
        ]
        for tenant, kind, name in missing:
            with pytest.raises(NotFound, match="there is no"):
                await company.segue.assigning.assign(tenant, kind, name, to="ann", held_by=None, by="ann")
        assert await company.segue.assigning.of("other", "approval", item) is None


async def test_numbers_go_by_who_has_what(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        for number in range(3):
            await give(company, "approval", await wait_for_one(company, "approval", f"c-{number}"), "ann")
        await give(company, "effect", await wait_for_one(company, "effect", "c-9"), "bea")
        await wait_for_one(company, "letter", "c-10")
        assert await company.segue.desk.assigned_numbers("default") == {("call", "ann"): 3, ("effect", "bea"): 1}
        assert len(await company.segue.desk.heads("default", ["call"], 2, Whose(name="ann"))) == 2
        found = await company.segue.desk.heads("default", KINDS, 99)
        assert [one.assigned.to if one.assigned else None for one in found] == ["ann", "ann", "ann", "bea", None]


async def test_pruning_a_run_leaves_no_assignment_of_it(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        item = await wait_for_one(company, "letter")
        await give(company, "letter", item, "ann")
        later = company.segue.desk.now() + timedelta(days=1)
        await company.segue._database.write(lambda connection: pruning.remove(connection, [item], later))
        assert await rows(company) == 0


async def test_the_chat_says_who_takes_care_of_what_waits(tmp_path: Path) -> None:
    async with open_company(tmp_path, AsTold()) as company:
        item = await wait_for_one(company, "approval", "c-1")
        await wait_for_one(company, "letter", "c-2")
        await give(company, "approval", item, "ann")
        found = await look(company, "waiting")
    items: Any = found.data["items"]
    assert [one.get("assigned_to") for one in items] == ["ann", None]
    assert found.words.count("ann takes care of it.") == 1
    assert found.words.index(item) < found.words.index("ann takes care of it.") < found.words.index("Dead letter")
