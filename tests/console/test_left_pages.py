"""A page that was left costs nothing while it is kept for a browser that may come back."""

from __future__ import annotations

import pytest

from agent.store.waits import WaitKind
from tests.console.clicks import subject
from tests.console.doors import Doors, until
from tests.operating.tool_company import live

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_page_that_was_left_reads_nothing_until_it_is_back_and_then_all(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.become("admin")
    page = await doors.open("/runs")
    desk, asked = doors.company.segue.desk, 0
    read = desk.wait_numbers
    waiting = sum((await read("default")).values())

    async def counted(tenant: str) -> dict[WaitKind, int]:
        nonlocal asked
        asked += 1
        return dict(await read(tenant))

    async def told(number: int) -> bool:
        return page.says(str(number))

    monkeypatch.setattr(desk, "wait_numbers", counted)
    await live(doors.company, subject(), ["pay_back"], amount=5)
    await until(lambda: told(waiting + 1))
    page.client.handle_disconnect("socket")
    await live(doors.company, subject(), ["pay_back"], amount=5)
    before = asked
    await live(doors.company, subject(), ["pay_back"], amount=5)
    assert (asked, page.says(str(waiting + 3))) == (before, False)
    await page.client.handle_handshake("another", "tab", None, "document", None)
    await until(lambda: told(waiting + 3))
    assert asked > before
