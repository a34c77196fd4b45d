"""Signing in and out with a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from api.console.sessions import COOKIE
from tests.console.served import Served
from tests.console.visits import Visits, live, sign_in


def signed_in(served: Served, visits: Visits, name: str = "olga") -> Page:
    """The first page, as somebody with a key sees it."""
    page = visits.page(f"{served.console_url}/")
    sign_in(page, served, name)
    expect(page.get_by_role("heading", name="Now", level=1)).to_be_visible()
    return page


@pytest.mark.shown
def test_a_key_that_may_read_opens_the_page_that_was_asked_for(guarded: Served, visits: Visits) -> None:
    page = visits.page(f"{guarded.console_url}/?from=mail")
    expect(page).to_have_title("Sign in - Segue")
    expect(page.get_by_label("API key")).to_be_focused()
    sign_in(page, guarded, "vera")
    expect(page).to_have_url(f"{guarded.console_url}/?from=mail")
    expect(page.get_by_text("vera", exact=True)).to_be_visible()


def test_a_page_cannot_read_the_cookie_of_its_session(guarded: Served, visits: Visits) -> None:
    page = signed_in(guarded, visits)
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        COOKIE,
        True,
        "Strict",
        "/console",
    )
    assert page.evaluate("document.cookie") == ""


def test_a_wrong_key_is_refused_with_words_and_may_be_tried_again(guarded: Served, visits: Visits) -> None:
    page = visits.page(f"{guarded.console_url}/")
    page.get_by_label("API key").fill("segue_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("the API key is not known")
    assert page.context.cookies() == []
    sign_in(page, guarded)
    expect(page.get_by_role("heading", name="Now")).to_be_visible()


def test_a_key_that_may_not_read_is_told_so(guarded: Served, visits: Visits) -> None:
    page = visits.page(f"{guarded.console_url}/")
    sign_in(page, guarded, "shop")
    expect(page.get_by_role("alert")).to_contain_text("'shop' may not read")
    assert page.context.cookies() == []


def test_signing_out_ends_the_session_in_every_window(guarded: Served, visits: Visits) -> None:
    page = signed_in(guarded, visits)
    (cookie,) = page.context.cookies()
    other = page.context.new_page()
    other.goto(f"{guarded.console_url}/")
    live(other)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in - Segue")
    assert page.context.cookies() == []
    # The window that nobody touches shows nothing any more, although its connection was open.
    expect(other).to_have_title("Sign in - Segue")
    stolen = guarded.ask("GET", "/console/", headers={"cookie": f"{COOKIE}={cookie['value']}"})
    assert (stolen.status_code, stolen.headers["location"]) == (303, "/console/sign-in?to=%2Fconsole%2F")


def test_after_a_restart_an_open_page_asks_for_the_key_again(guarded: Served, visits: Visits) -> None:
    page = signed_in(guarded, visits)
    live(page)
    guarded.restart()
    expect(page).to_have_title("Sign in - Segue")
    sign_in(page, guarded)
    expect(page.get_by_role("heading", name="Now")).to_be_visible()


def test_where_nobody_needs_a_key_nobody_is_asked_for_one(served: Served, visits: Visits) -> None:
    page = visits.page(served.url)
    expect(page).to_have_url(re.compile(r"/console/$"))
    expect(page.get_by_text("operator", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
