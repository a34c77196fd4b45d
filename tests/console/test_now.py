"""The first page, live in a browser."""

from __future__ import annotations

import re
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


def test_figures_and_their_charts_change_where_they_stand(served: Served, visits: Visits) -> None:
    page = visits.page(f"{served.console_url}/")
    card = page.locator(".sg-figures", has=page.get_by_role("link", name="Events today"))
    figure, chart = card.locator(".sg-figure"), card.get_by_role("img")
    expect(figure).to_have_text(re.compile("[0-9]+"))
    before, drawn = int(figure.inner_text()), chart.get_attribute("aria-label") or ""
    page.evaluate("document.querySelectorAll('.sg-figures').forEach((one) => { one.dataset.kept = 'yes' })")
    for number in range(3):
        served.handle(subject=f"counted-{number}")
    expect(figure).to_have_text(str(before + 3))
    expect(chart).not_to_have_attribute("aria-label", drawn)
    assert card.get_attribute("data-kept") == "yes"
    page.get_by_role("button", name="Last 14 days").click()
    expect(chart).to_have_attribute("aria-label", re.compile("for each day"))
    path = card.locator("path.sg-going")
    expect(path).to_have_attribute("d", re.compile("^M"))


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
