"""How the console does with 10,000 and 100,000 runs, with the figures printed.

`uv run pytest -m slow -s -n 0 tests/console/test_many_runs.py` runs it; the mark is that of an idle machine.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.agent.company import embedder
from tests.agent.fresh import lay_out
from tests.console.many import RARE, TYPE, Many, lay_out_many, name_of
from tests.console.served import Parent, Served, open_served
from tests.console.visits import Visits, live

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]

MARK_S = 0.2
"""An interaction, at 10,000 runs."""
TIMES = 9
PATIENCE_MS = 60_000

TOOK = """([press, look]) => new Promise((resolve) => {
  const said = () => document.querySelector(look)?.textContent;
  const before = said();
  const begun = performance.now();
  const observer = new MutationObserver(() => {
    if (said() === before) return;
    observer.disconnect();
    requestAnimationFrame(() => resolve((performance.now() - begun) / 1000));
  });
  observer.observe(document, { childList: true, subtree: true, characterData: true });
  document.querySelector(press).click();
})"""
"""Seconds from a click until what is looked at says something else, painted."""
OLDER = 'nav[aria-label="Pages of runs"] a:last-child'
FIRST = "#runs-list > li a"
CHOSEN = 'section[aria-label="Chosen episodes"] h3'


@dataclass(frozen=True, kw_only=True)
class Lived:
    """A served Segue with a past."""

    served: Served
    many: Many


@pytest.fixture(scope="module", params=[10_000, 100_000])
def lived(request: pytest.FixtureRequest, parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """With so many runs."""
    folder = tmp_path_factory.mktemp("many")
    with ThreadPoolExecutor(1) as other:
        many = other.submit(asyncio.run, write(folder / "data", request.param)).result()
    with open_served(parent, folder) as running:
        print(f"\n{many.number:,} runs")
        yield Lived(served=running, many=many)


async def write(data: Path, number: int) -> Many:
    """Before it is started."""
    await lay_out(data)
    return await lay_out_many(data, number, datetime.now(UTC), embedder())


def told(what: str, seconds: Sequence[float], lived: Lived) -> str | None:
    """Print a row; what it is where it misses the mark, which is one for 10,000 runs."""
    middle = statistics.median(seconds)
    print(f"{what:<44} median {middle * 1000:6.0f} ms   worst {max(seconds) * 1000:6.0f} ms   of {len(seconds)}")
    return None if lived.many.number > 10_000 or middle < MARK_S else what


def timed(ask: Callable[[], Any]) -> float:
    """Seconds it took."""
    begun = time.perf_counter()
    ask()
    return time.perf_counter() - begun


def test_pages_by_cursor_reach_every_run_once(lived: Lived) -> None:
    seen: list[str] = []
    seconds: list[float] = []
    cursor: str | None = None
    with httpx.Client(base_url=lived.served.url, trust_env=False, timeout=60) as client:
        while not seconds or cursor is not None:
            begun = time.perf_counter()
            page = client.get("/v1/runs", params={"limit": 200} | ({"cursor": cursor} if cursor else {})).json()
            seconds.append(time.perf_counter() - begun)
            seen += [run["id"] for run in page["items"]]
            cursor = page["next"]
    assert seen == [name_of(place) for place in range(lived.many.number, 0, -1)]
    assert told("GET /v1/runs?limit=200, all pages", seconds, lived) is None


@pytest.mark.parametrize(
    "query", ["", "status=failed", "status=waiting", f"type={TYPE}", "subject=c-7", "source=/shop", f"source={RARE}"]
)
def test_each_filter_of_the_list_is_quick(lived: Lived, query: str) -> None:
    with httpx.Client(base_url=lived.served.url, trust_env=False, timeout=60) as client:
        seconds = [timed(lambda: client.get(f"/v1/runs?{query}").raise_for_status()) for _ in range(TIMES)]
    assert told(f"GET /v1/runs?{query}", seconds, lived) is None


def test_the_list_is_paged_filtered_and_a_run_is_opened(lived: Lived, visits: Visits) -> None:
    page = visits.page(f"{lived.served.console_url}/runs")
    live(page)
    expect(page.locator("#runs-list > li")).to_have_count(50, timeout=PATIENCE_MS)
    rows = [told("Runs: Older", [page.evaluate(TOOK, [OLDER, FIRST]) for _ in range(TIMES)], lived)]
    page.goto(f"{lived.served.console_url}/runs?before={lived.many.number}")
    live(page)
    rows.append(told("Runs: Older, in the middle", [page.evaluate(TOOK, [OLDER, FIRST]) for _ in range(TIMES)], lived))
    chips = 'nav[aria-label="Ready-made filters"] a:nth-child'
    for name, number in (("Failed today", 3), ("Waiting", 2)):
        back = []
        for _ in range(TIMES):
            back.append(page.evaluate(TOOK, [f"{chips}({number})", "#runs-about"]))
            page.evaluate(TOOK, [f"{chips}(1)", "#runs-about"])
        rows.append(told(f"Runs: {name}", back, lived))
    seconds = [opened(page, lived, f"/runs/{name_of(place)}") for place in range(1, TIMES)]
    print(f"{'a run, first useful paint':<44} median {statistics.median(seconds) * 1000:6.0f} ms   of {len(seconds)}")
    assert [one for one in rows if one] == []


@pytest.mark.parametrize(
    ("path", "name"), [("/", "Now"), ("/runs", "Runs"), ("/inbox", "Inbox"), ("/memory", "Memory")]
)
def test_pages_show_something_useful(lived: Lived, visits: Visits, path: str, name: str) -> None:
    page = visits.context().new_page()
    opened(page, lived, path)
    seconds = [opened(page, lived, path) for _ in range(TIMES)]
    middle = statistics.median(seconds)
    print(f"{name + ', first useful paint, scripts cached':<44} median {middle * 1000:6.0f} ms   of {TIMES}")


def opened(page: Page, lived: Lived, path: str) -> float:
    """Seconds until it shows something useful."""
    page.goto(f"{lived.served.console_url}{path}", timeout=PATIENCE_MS, wait_until="commit")
    page.locator("main .sg-card, main .sg-empty, main .sg-list").first.wait_for(timeout=PATIENCE_MS)
    return float(page.evaluate("performance.now() / 1000"))


def test_the_map_is_drawn_and_chosen_from(lived: Lived, visits: Visits) -> None:
    rows = []
    for points in (2_000, 10_000):
        begun = time.perf_counter()
        page = visits.page(f"{lived.served.console_url}/memory?type={TYPE}&points={points}")
        expect(page.get_by_text(f"The newest {points:,} of")).to_be_visible(timeout=PATIENCE_MS)
        print(f"{f'Memory: map of {points:,} drawn, page included':<44} {(time.perf_counter() - begun) * 1000:6.0f} ms")
        # The rest of the page is worked out one after the other.
        expect(page.get_by_text("bands: 95 % interval")).to_be_visible(timeout=PATIENCE_MS)
        print(f"{'Memory: all of the page':<44} {(time.perf_counter() - begun) * 1000:6.0f} ms")
        buttons = {name: f".sg-tabs button:nth-child({place})" for name, place in (("all", 7), ("none", 8))}
        seconds = []
        for _ in range(TIMES):
            seconds.append(page.evaluate(TOOK, [buttons["all"], CHOSEN]))
            page.evaluate(TOOK, [buttons["none"], CHOSEN])
        rows.append(told(f"Memory: {points:,} episodes chosen", seconds, lived))
    assert [one for one in rows if one] == []
