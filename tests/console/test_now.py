"""The first page, live in a browser."""

from __future__ import annotations

import signal

import pytest
from playwright.sync_api import expect

from tests.console.served import Served
from tests.console.visits import Visits, live


@pytest.mark.shown
def test_an_event_is_shown_as_it_arrives_and_as_it_ends(served: Served, visits: Visits) -> None:
    page = visits.page(f"{served.console_url}/")
    live(page)
    run = served.send(subject="mrs-early")
    line = page.locator(".sg-item", has=page.get_by_role("link", name="customer.upset about mrs-early"))
    expect(line).to_be_visible()
    expect(line.get_by_text("done", exact=True)).to_be_visible()
    expect(line.get_by_role("link")).to_have_attribute("href", f"/console/runs/{run}")
    page.close()


def test_what_waits_for_a_person_is_counted_on_top(served: Served, visits: Visits) -> None:
    page = visits.page(f"{served.console_url}/")
    served.handle("customer.wronged", {"message": "i paid twice", "amount": 12})
    expect(page.get_by_text("1 approval", exact=True)).to_be_visible()


@pytest.mark.shown
def test_a_page_comes_back_by_itself_after_the_server_was_killed(served: Served, visits: Visits) -> None:
    page = visits.page(f"{served.console_url}/")
    live(page)
    served.end(signal.SIGKILL)
    expect(page.get_by_text("Connection lost")).to_be_visible()
    served.start()
    served.send(subject="mr-after")
    expect(page.get_by_role("link", name="customer.upset about mr-after")).to_be_visible()
    expect(page.get_by_text("Connection lost")).to_be_hidden()
