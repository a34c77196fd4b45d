"""What is around every page: colours, width, the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from api.console.frame import PAGES
from tests.console.served import Served
from tests.console.visits import GROUNDS, Visits, is_there, live, settled

PATHS = [path for path, _ in PAGES]
LIGHT, DARK = GROUNDS["light"], GROUNDS["dark"]


@pytest.fixture(scope="module", autouse=True)
def _lived(served: Served) -> None:
    """Something to show: what is done, what waits, what is unknown; among it a word that is longer than a phone."""
    served.handle(subject="customer-" + "0123456789" * 12)
    served.handle("customer.wronged", {"message": "i paid twice", "amount": 12})
    served.handle("customer.asked", {"note": "dead line"})


def opened(served: Served, visits: Visits, path: str = "", **how: object) -> Page:
    """A page once it is live and shows what it has; skipped where there is none yet."""
    page = visits.context(**how).new_page()  # type: ignore[arg-type]
    is_there(page, f"{served.console_url}{path or '/'}")
    settled(page)
    return page


def test_the_system_chooses_the_colours_until_somebody_does_for_every_page(served: Served, visits: Visits) -> None:
    page = opened(served, visits, scheme="dark")
    body = page.locator("body")
    expect(body).to_have_css("background-color", DARK)
    page.get_by_role("button", name="Light or dark").click()
    expect(body).to_have_css("background-color", LIGHT)
    page.reload()
    live(page)
    expect(body).to_have_css("background-color", LIGHT)
    page.get_by_role("button", name="Light or dark").click()
    page.goto(f"{served.console_url}/sign-in")
    expect(body).to_have_css("background-color", DARK)
    light = opened(served, visits)
    expect(light.locator("body")).to_have_css("background-color", LIGHT)
    light.emulate_media(color_scheme="dark")
    expect(light.locator("body")).to_have_css("background-color", DARK)


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_scrolls_one_way_only(served: Served, visits: Visits, path: str) -> None:
    page = opened(served, visits, path, width=390)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("innerWidth") == width
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.evaluate(TOO_WIDE)


def test_a_run_about_something_with_a_long_name_does_not_widen_a_phone(served: Served, visits: Visits) -> None:
    run = served.handle(subject="c-" + "x" * 110, data={"message": "y" * 300})["id"]
    page = opened(served, visits, f"/runs/{run}", width=320)
    expect(page.get_by_role("heading", level=1)).to_contain_text("xxx")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.evaluate(TOO_WIDE)


TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth)
  .map((one) => one.tagName + "." + one.className)"""


@pytest.mark.parametrize("path", PATHS)
def test_every_page_has_one_heading_of_its_own_and_says_where_it_is(served: Served, visits: Visits, path: str) -> None:
    page = opened(served, visits, path)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
    here = page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")
    expect(here).to_have_text(dict(PAGES)[path])
    assert page.title() == f"{dict(PAGES)[path]} - Segue"
    assert page.locator("html").get_attribute("lang") == "en-US"


def test_the_keyboard_reaches_the_bar_and_every_line_and_one_sees_where_it_is(served: Served, visits: Visits) -> None:
    page = opened(served, visits)
    wanted = ["Segue", *(name for _, name in PAGES), "Light or dark", "Open the inbox"]
    for name in wanted:
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        expect(focused).to_have_text(name)
        expect(focused).to_have_css("outline-style", "solid")
        expect(focused).to_have_css("outline-width", "2px")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("href", re.compile(r"^/console/inbox\?"))
    for _ in range(25):
        page.keyboard.press("Tab")
        if (page.locator(":focus").get_attribute("href") or "").startswith("/console/runs/"):
            break
    expect(page.locator(":focus")).to_have_attribute("href", re.compile("^/console/runs/"))


def test_who_stands_on_a_line_stays_on_it_while_others_arrive(served: Served, visits: Visits) -> None:
    page = opened(served, visits)
    line = page.get_by_role("link", name="customer.asked about").first
    line.focus()
    where = line.get_attribute("href") or ""
    served.handle(subject="mr-new")
    expect(page.get_by_role("link", name="about mr-new")).to_be_visible()
    expect(page.locator(":focus")).to_have_attribute("href", where)


def test_what_does_not_change_is_not_made_anew(served: Served, visits: Visits) -> None:
    page = opened(served, visits)
    card = page.get_by_role("heading", name="Waits for a person")
    card.evaluate("(one) => (one.kept = true)")
    served.handle(subject="mr-other")
    expect(page.get_by_role("link", name="about mr-other")).to_be_visible()
    assert card.evaluate("(one) => one.kept")


def test_moments_are_told_in_full_behind_how_long_ago_they_were(served: Served, visits: Visits) -> None:
    page = opened(served, visits)
    told = page.locator(".sg-item").first.locator("[title]")
    expect(told).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"))
    expect(told).to_have_text(re.compile(r"just now| ago$"))
