"""A revoked source is unheard in every decision, as if it had never been, until it is restored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent import wiring
from agent.errors import NotFound
from agent.judging import thumb
from agent.service import Segue
from agent.wiring import Settings, rebuild_memory
from memory.recall import Memory, MemoryUnavailable
from tests.agent.company import PORTFOLIO, Script, call, embedding_cache, open_company
from tests.agent.sources import HONEST, LIAR, MESSAGES, NOW, Told, decided, found, joined_all, live, story, tell
from tests.agent.test_habits import BARE


@pytest.fixture(autouse=True)
def the_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that evidence is equal to the last digit, not nearly."""
    monkeypatch.setattr(wiring, "_now", lambda: NOW)


async def revoke(segue: Segue, source: str = LIAR) -> Any:
    """By ann."""
    return await segue.sources.revoke("default", source, by="ann", reason="it lies")


async def restore(segue: Segue, source: str = LIAR) -> Any:
    """By bob."""
    return await segue.sources.restore("default", source, by="bob", reason=None)


async def a_clean_company(data: Path, portfolio: str) -> tuple[Any, Any]:
    """What one that never heard of the liar decides, and finds."""
    script = Script([])
    async with open_company(data, script) as company:
        await live(company, script, [one for one in story() if one.source == HONEST])
    async with open_company(data, None, portfolio) as company:
        searched = await found(company.segue)
        return await decided(company), searched


@pytest.mark.parametrize("portfolio", [PORTFOLIO, BARE], ids=["playbook", "habits"])
async def test_after_a_revocation_decisions_equal_those_of_one_that_never_saw_the_source(
    tmp_path: Path, portfolio: str
) -> None:
    clean = await a_clean_company(tmp_path / "clean", portfolio)
    script = Script([])
    async with open_company(tmp_path / "lied", script) as company:
        await live(company, script, story())
    async with open_company(tmp_path / "lied", None, portfolio) as company:
        assert await found(company.segue) != clean[1]
        before = await decided(company, "before")
        assert before != clean[0]
        told = await revoke(company.segue)
        assert (told["state"], told["episodes"], told["outcomes"], told["index_left"]) == ("revoked", 20, 20, 0)
        # The run that was just made is one more; nobody has graded it.
        assert [one for one in await found(company.segue) if one[0] != "before"] == clean[1]
    async with open_company(tmp_path / "lied", None, portfolio) as company:
        after = await decided(company)
    assert after == clean[0]


async def test_the_reward_that_stood_before_speaks_again(tmp_path: Path) -> None:
    script = Script([[call("pause_mail")]])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story(1))
        honest = {"e/shop-pause_mail-0": {"loyalty": 0.1}}
        assert await heard(company.segue) | honest == await heard(company.segue)
        await revoke(company.segue)
        assert await heard(company.segue) == {"e/shop-pause_mail-0": {"loyalty": 0.9}}
        kept = (await company.segue.memories.outcomes("default", None, None, 9)).items
        assert [one["rewards"] for one in kept if one["revoked"]] == [{"loyalty": 0.1}, {"loyalty": 0.0}]
        episodes = (await company.segue.memories.episodes("default", None, 9)).items
        assert {one["event_id"]: one["revoked"] for one in episodes}["e/liar-book_call-0"] is True
        await restore(company.segue)
        assert (await heard(company.segue))["e/shop-pause_mail-0"] == {"loyalty": 0.1}


async def heard(segue: Segue) -> dict[str, dict[str, float]]:
    """Rewards of what a search finds, by event."""
    return {event: rewards for event, _, rewards in await found(segue)}


async def test_what_a_revoked_source_sends_is_kept_unheard_until_it_is_restored(tmp_path: Path) -> None:
    script = Script([])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story(2))
        before = await found(company.segue)
        await revoke(company.segue)
        honest = await found(company.segue)
        more = [
            Told(source=LIAR, id="e-more", subject="more", tool="book_call", message="the lamp is broken"),
            Told(source=LIAR, id="o-more", subject="more", loyalty=1.0),
            Told(source=LIAR, id="o-slander", subject="/shop-pause_mail-0", loyalty=0.0),
        ]
        await live(company, script, more)
        assert await found(company.segue) == honest
        assert (await company.segue.sources.list("default", "revoked", None, 9)).items[0]["episodes"] == 5
        await restore(company.segue)
        after = await found(company.segue)
        assert {event for event, _, _ in after} == {event for event, _, _ in before} | {"e-more"}
        assert (await heard(company.segue))["e/shop-pause_mail-0"] == {"loyalty": 0.0}


async def test_a_restored_source_is_heard_as_if_nothing_had_been(tmp_path: Path) -> None:
    script = Script([])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story())
    async with open_company(tmp_path, None, BARE) as company:
        before = await found(company.segue)
        await revoke(company.segue)
        assert await found(company.segue) != before
        await restore(company.segue)
        assert await found(company.segue) == before


async def test_a_revocation_outlives_a_restart_and_a_rebuilt_index(tmp_path: Path) -> None:
    script = Script([])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story(2))
        await revoke(company.segue)
        honest = await found(company.segue)
        await indexed(company.segue)
    settings = Settings(portfolio=(), data=tmp_path / "data", environment={"SEGUE_CACHE": str(embedding_cache())})
    assert await rebuild_memory(settings, lambda done, total: None) == 2
    async with open_company(tmp_path, script) as company:
        assert await found(company.segue) == honest
        assert (await restore(company.segue))["changed"]
        assert len(await found(company.segue)) == 6


async def indexed(segue: Segue) -> None:
    """Nothing waits for the index."""
    while segue.memories._memory.tail_size:
        await asyncio.sleep(0.02)


async def test_a_run_that_goes_on_forgets_what_it_had_recalled(tmp_path: Path) -> None:
    script = Script([])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story(2))
        go_on = asyncio.Event()
        company.ledger.faults["pause_mail"] = [go_on.wait]
        script.entries = [[call("pause_mail")], [call("book_call")]]
        script.seen.clear()
        event = Told(source=HONEST, id="going", subject="going", message=MESSAGES[0])
        running = asyncio.create_task(tell(company, event))
        while company.ledger.faults["pause_mail"] or not script.seen:
            await asyncio.sleep(0.01)
        await revoke(company.segue)
        go_on.set()
        await running
    first, second, *_ = script.seen
    assert (set(first.evidence), set(second.evidence)) == ({"book_call", "pause_mail"}, {"pause_mail"})


async def test_saying_it_again_changes_nothing_and_the_history_says_who_when_and_why(tmp_path: Path) -> None:
    script = Script([])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story(1))
        segue = company.segue
        told = await asyncio.gather(*(revoke(segue) for _ in range(4)))
        assert sorted(one["changed"] for one in told) == [False, False, False, True]
        assert [(await restore(segue))["changed"] for _ in range(2)] == [True, False]
        assert (await restore(segue, HONEST))["state"] == "trusted"
        (liar, shop) = (await segue.sources.list("default", None, None, 9)).items
    assert (liar["source"], liar["state"], liar["by"]) == (LIAR, "trusted", "bob")
    assert [(one["state"], one["by"], one["reason"]) for one in liar["history"]] == [
        ("revoked", "ann", "it lies"),
        ("restored", "bob", None),
    ]
    assert (shop["source"], shop["episodes"], shop["outcomes"], shop["history"]) == (HONEST, 1, 2, [])


async def test_an_unknown_source_is_refused_with_the_nearest_and_another_tenants_is_unknown(tmp_path: Path) -> None:
    script = Script([])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story(1))
        for change in (revoke, restore):
            with pytest.raises(NotFound, match="Did you mean '/liar'"):
                await change(company.segue, "/lair")
        with pytest.raises(NotFound, match="There is none yet"):
            await company.segue.sources.revoke("another", LIAR, by="ann", reason=None)


async def test_an_operators_thumbs_are_a_source_too(tmp_path: Path) -> None:
    script = Script([])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story(1)[:2])
        (run,) = (await company.segue.memories.episodes("default", None, 9)).items
        await company.segue.judging.outcome("default", run["id"], thumb("down", None, id=None, by="eve"))
        await joined_all(company.segue)
        assert (await heard(company.segue)).popitem()[1] == {"loyalty": 0.9, "*": 0.0}
        await revoke(company.segue, "urn:segue:operator:eve")
        assert (await heard(company.segue)).popitem()[1] == {"loyalty": 0.9}


async def test_what_the_index_could_not_forget_is_unheard_and_forgotten_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget = Memory.forget

    async def fails(self: Memory, tenant: str, event_type: str, ids: Any) -> None:
        raise MemoryUnavailable("the index is away")

    script = Script([])
    async with open_company(tmp_path, script) as company:
        await live(company, script, story(2))
        monkeypatch.setattr(Memory, "forget", fails)
        told = await revoke(company.segue)
        assert (told["state"], told["index_left"]) == ("revoked", 4)
        assert {event for event, _, _ in await found(company.segue)} == {"e/shop-pause_mail-0", "e/shop-pause_mail-1"}
        assert "memory" in await company.segue.health()
        script.seen.clear()
        await tell(company, Told(source=HONEST, id="e-new", subject="new", message=MESSAGES[0]))
        assert set(script.seen[0].evidence) == {"pause_mail"}
        monkeypatch.setattr(Memory, "forget", forget)
        near = company.segue.memories._memory
        while len(await near.search(tenant="default", event_type="customer.upset", text="lamp", k=9)) > 3:
            await asyncio.sleep(0.02)
        while await company.segue.health():
            await asyncio.sleep(0.02)
