"""Fifty operators at once, and a thousand events a minute, with the figures printed.

`uv run pytest -m slow -s -n 0 tests/console/test_crowd.py` runs it. Three of them look at painted pages, the others
take what a browser would (`tests.console.listeners`): fifty browsers would need the machine for themselves.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.console.listeners import listening
from tests.console.served import Served
from tests.console.test_marks import told
from tests.console.visits import Visits

OPERATORS = 50
A_MINUTE = 1_000
LOOKS = 12
WATCHED = ("/", "/runs", "/", "/inbox", "/", "/memory", "/", "/portfolio", "/activity", "/runs")
PAUSE_MS = 1_500
PATIENCE_S = 20


class Load:
    """Sends events at a steady rate from a thread of its own, and counts what it sent."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._over = threading.Event()
        self.sent = 0

    def run(self) -> None:
        """Until it is over."""
        began = time.monotonic()
        while not self._over.is_set():
            self._served.send(subject=f"crowd-{self.sent}")
            self.sent += 1
            self._over.wait(max(0.0, began + self.sent * 60 / A_MINUTE - time.monotonic()))

    def end(self) -> None:
        """Send no more."""
        self._over.set()


@contextmanager
def loaded(served: Served) -> Iterator[Load]:
    """A thousand events a minute until the end of the block."""
    load = Load(served)
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        yield load
    finally:
        load.end()
        thread.join()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_operators_see_everything_while_a_thousand_events_a_minute_come(guarded: Served, visits: Visits) -> None:
    inbox, reader, now = (visits.signed_in(guarded, path) for path in ("/inbox", "/runs", "/"))
    seen, answered = [], []
    paths = list(itertools.islice(itertools.cycle(WATCHED), OPERATORS - 3))
    with listening(guarded, paths) as others:
        began = time.monotonic()
        with loaded(guarded) as load:
            for number in range(LOOKS):
                subject = f"watched-{number}"
                guarded.send("customer.wronged", {"message": "i paid twice", "amount": 3}, subject=subject)
                accepted = time.monotonic()
                expect(inbox.locator(".sg-pick", has_text=subject)).to_be_visible()
                seen.append(time.monotonic() - accepted)
                answered.append(searched(reader, subject))
                inbox.wait_for_timeout(PAUSE_MS)
            rate = load.sent / (time.monotonic() - began) * 60
        last = guarded.send(subject="the-last")
        ended = time.monotonic()
        expect(now.locator(f"a[href='/console/runs/{last}']").first).to_be_visible()
        while late := [one.path for one in others if one.path in ("/", "/runs") and last not in one.seen]:
            assert time.monotonic() - ended < PATIENCE_S, late
            now.wait_for_timeout(20)
        caught_up = time.monotonic() - ended
        updates = sum(one.updates for one in others)
    print(f"\n{OPERATORS} operators, {rate:.0f} events a minute, {updates:,} updates")
    print(f"all who look at runs had the last one after {caught_up:.1f} s")
    told("from the 202 to waiting in the inbox", seen)
    told("a search until its answer is shown", answered)
    assert rate > 0.9 * A_MINUTE


def searched(page: Page, subject: str) -> float:
    """Seconds from Enter in the search box until the one run that is found is shown."""
    box = page.get_by_role("searchbox")
    box.fill(subject)
    began = time.monotonic()
    box.press("Enter")
    line = page.locator("#runs-list > li")
    expect(line).to_have_count(1)
    expect(line).to_contain_text(subject)
    return time.monotonic() - began
