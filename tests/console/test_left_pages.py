"""A page that was left costs nothing while it is kept for a browser that may come back."""

from __future__ import annotations

from pathlib import Path

from agent.store.waits import WaitKind
from tests.console.doors import open_doors, until
from tests.operating.tool_company import live


async def test_a_page_that_was_left_reads_nothing_until_it_is_back_and_then_all(tmp_path: Path) -> None:
    async with open_doors(tmp_path) as doors:
        doors.become("admin")
        page = await doors.open("/runs")
        desk, asked = doors.company.segue.desk, 0
        read = desk.wait_numbers

        async def counted(tenant: str) -> dict[WaitKind, int]:
            nonlocal asked
            asked += 1
            return dict(await read(tenant))

        desk.wait_numbers = counted  # type: ignore[method-assign]
        await live(doors.company, "c-1", ["pay_back"], amount=5)

        async def told(number: str) -> bool:
            return page.says(number)

        await until(lambda: told("1"))
        page.client.handle_disconnect("socket")
        await live(doors.company, "c-2", ["pay_back"], amount=5)
        before = asked
        await live(doors.company, "c-3", ["pay_back"], amount=5)
        assert (asked, page.says("3")) == (before, False)
        await page.client.handle_handshake("another", "tab", None, "document", None)
        await until(lambda: told("3"))
        assert asked > before
