"""What is new about a run, read from the rows that are there."""

from __future__ import annotations

from pathlib import Path

from agent.seen import Seen
from agent.service import GivenAnswer
from agent.store.progress import Progress
from tests.agent.company import Company, Script, call, dies, open_company
from tests.agent.conftest import new_database


def told(progress: Progress) -> list[tuple[str, object]]:
    """Names, and where the thing stands."""
    return [
        (one.kind, one.data.get("state") or one.data.get("status") or one.data.get("number")) for one in progress.news
    ]


async def news(company: Company, run: str, seen: Seen) -> Progress:
    """What one who has seen so much is told, once its text was read back."""
    return await company.segue.news("default", run, Seen.parse(seen.text(run), run))


async def handled(company: Company) -> tuple[str, Seen]:
    """A run with an approval and a doubt, told in two parts: until it waits, and what the operator makes of it."""
    company.ledger.faults["book_call"] = [dies]
    run = await company.send()
    await company.ended(run)
    first = await news(company, run, Seen())
    assert told(first) == [
        ("decision", 1),
        ("approval", "pending"),
        ("effect", "claimed"),
        ("effect", "unknown"),
        ("status", "waiting"),
    ]
    assert not first.ended
    seen = first.news[-1].seen
    assert (await news(company, run, seen)).news == ()
    approval = await company.approval()
    await company.segue.answer("default", approval["id"], GivenAnswer(approved=False, reason="no"))
    await company.ended(run)
    (unknown,) = (await company.segue.effects("default", "unknown", None, 10)).items
    await company.segue.settle("default", unknown["key"], state="failed", result=None, reason="no", by="ann")
    return run, seen


async def ended(company: Company, run: str, seen: Seen) -> None:
    """The second part, and the whole by one who comes last."""
    while not (second := await news(company, run, seen)).ended:
        pass
    assert {("approval", "rejected"), ("effect", "failed"), ("decision", 2)} <= set(told(second))
    assert told(second)[-1] == ("end", "done")
    whole = (await news(company, run, Seen())).news
    for number, one in enumerate(whole):
        assert (await news(company, run, one.seen)).news == whole[number + 1 :]
    assert {one.seen.text(run) for one in (whole[-1], second.news[-1])} == {whole[-1].seen.text(run)}


async def test_every_stage_is_told_once_whenever_one_asks(tmp_path: Path) -> None:
    script = Script([(call("book_call"), call("pay_back", amount=5))])
    async with open_company(tmp_path, script) as company:
        await ended(company, *await handled(company))


async def test_the_same_is_told_from_postgresql(tmp_path: Path, postgres_url: str) -> None:
    script = Script([(call("book_call"), call("pay_back", amount=5))])
    async with open_company(tmp_path, script, database_url=new_database(postgres_url, "progress")) as company:
        await ended(company, *await handled(company))
