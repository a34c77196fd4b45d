"""A served console and a browser for the tests of a module.

The browser is not kept for longer: while it is open its thread counts as one that runs an event loop, and the async
tests of another module could not run. For the same reason a module that uses `browser` has no async tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.sync_api import Browser

from api.console.chromium import chromium
from api.terminal import CommandError
from tests.console.doors import Doors, open_doors
from tests.console.served import Parent, Served, open_served
from tests.console.visits import Visits, Windows


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test with a browser is of `pages`, unless it says that it is run with the rest, or takes minutes."""
    for item in items:
        of_pages = "browser" in getattr(item, "fixturenames", ())
        if of_pages and not any(item.get_closest_marker(name) for name in ("shown", "slow")):
            item.add_marker("pages")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    """A company whose pages are open in this process. A process can have one, so one module uses it."""
    async with open_doors(tmp_path_factory.mktemp("doors")) as opened:
        yield opened


@pytest.fixture(scope="session")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parent]:
    """What servers are forked from."""
    made = Parent(tmp_path_factory.mktemp("parent") / "log")
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def served(parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A Segue where nobody needs a key."""
    with open_served(parent, tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A Segue with keys: see `served.KEYS`: `olga` may everything, `vera` may read, `shop` may only send."""
    with open_served(parent, tmp_path_factory.mktemp("guarded"), keys=True) as running:
        yield running


@pytest.fixture
def console_url(served: Served) -> str:
    """Address of a console that is open to all, without a slash at its end."""
    return served.console_url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; tests that need it are skipped where there is none."""
    try:
        opening = chromium()
        opened = opening.__enter__()
    except CommandError as error:
        pytest.skip(str(error))
    try:
        yield opened
    finally:
        opening.__exit__(None, None, None)


@pytest.fixture(scope="module")
def windows(browser: Browser) -> Windows:
    """Of that browser."""
    return Windows(browser)


@pytest.fixture
def visits(windows: Windows) -> Iterator[Visits]:
    """Pages in that browser; afterwards none may have asked another host, opened a dialog or broken."""
    made = Visits(windows)
    yield made
    made.close()
