"""How long a page takes to show, and an event to be seen, with the figures printed.

`uv run pytest -m slow -s -n 0 tests/console/test_marks.py` runs it; the marks are those of an idle machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import pytest
from playwright.sync_api import Page

from api.console.frame import PAGES
from tests.console.served import Served
from tests.console.visits import Visits, is_there, live

PAINT_S, VISIBLE_S = 1.5, 0.3
OPENED, SENT = 10, 40

SEEN = """(subject) => new Promise((resolve) => {
  const look = () => [...document.querySelectorAll("a")].some((one) => one.textContent.endsWith(` about ${subject}`));
  const seen = () => requestAnimationFrame(() => resolve(Date.now() / 1000));
  if (look()) return seen();
  const observer = new MutationObserver(() => { if (look()) { observer.disconnect(); seen(); } });
  observer.observe(document, { childList: true, subtree: true, characterData: true });
})"""
"""When a run about the subject was painted; the same clock as the test's."""

USEFUL = """() => new Promise((resolve) => {
  const look = () =>
    document.querySelector("main h1") && document.querySelector(".sg-card, .sg-empty, .sg-list, .sg-field");
  const seen = () => requestAnimationFrame(() => resolve(performance.now() / 1000));
  if (look()) return seen();
  const observer = new MutationObserver(() => { if (look()) { observer.disconnect(); seen(); } });
  observer.observe(document, { childList: true, subtree: true });
})"""


def told(what: str, seconds: Sequence[float]) -> float:
    """Print a row; the median."""
    middle, worst = statistics.median(seconds), max(seconds)
    print(f"{what:<40} median {middle * 1000:6.0f} ms   worst {worst * 1000:6.0f} ms   of {len(seconds)}")
    return middle


@pytest.fixture(scope="module")
def lived(served: Served) -> Served:
    """Runs to show."""
    for run in [served.send() for _ in range(60)]:
        served.ended(run)
    return served


@pytest.mark.slow
@pytest.mark.parametrize(("path", "name"), PAGES)
def test_a_page_shows_something_useful_within_the_mark(lived: Served, visits: Visits, path: str, name: str) -> None:
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(OPENED):
        context = visits.context(fresh=True)
        page = context.new_page()
        for times in (cold, warm):
            is_there(page, f"{lived.console_url}{path or '/'}")
            times.append(useful(page))
        page.close()
    first = told(f"first useful paint, {name}, empty cache", cold)
    again = told(f"first useful paint, {name}, again", warm)
    assert max(first, again) < PAINT_S


@pytest.mark.slow
def test_an_event_is_seen_within_the_mark_after_its_202(lived: Served, visits: Visits) -> None:
    page = visits.page(f"{lived.console_url}/")
    live(page)
    took = []
    for number in range(SENT):
        subject = f"seen-{number}"
        page.evaluate(f"(subject) => {{ window.seen = ({SEEN})(subject) }}", subject)
        lived.send(subject=subject)
        accepted = time.time()
        took.append(page.evaluate("() => window.seen") - accepted)
        # Beats are not closer than this: the next event is to come at any time between two.
        page.wait_for_timeout(37 * (number % 7))
    assert told("from the 202 to being seen", took) < VISIBLE_S


def useful(page: Page) -> float:
    """Seconds since the page was asked for."""
    return float(page.evaluate(USEFUL))
