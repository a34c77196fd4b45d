"""The page of activity in a browser: live, filtered, paged, exported; sign-ins and refused keys among it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from api.console.gate import SIGN_IN
from tests.console.served import Served
from tests.console.test_accessibility import found
from tests.console.test_inbox import choose, opened, pending
from tests.console.visits import Visits, live

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{constructor.constructor('alert(3)')()}}"


def activity(served: Served, visits: Visits, query: str = "") -> Page:
    """The page, as olga sees it."""
    return visits.signed_in(served, f"/activity{query}")


def pauses(served: Served, count: int, reason: str = "for a test") -> None:
    """Pause and resume a tool so often."""
    for _ in range(count):
        served.ask("POST", "/v1/pauses", json={"scope": "tool", "name": "look_up", "reason": reason})
        served.ask("POST", "/v1/pauses/resume", json={"scope": "tool", "name": "look_up"})


def lines(served: Served, **query: Any) -> list[dict[str, Any]]:
    """What the API lists."""
    found: list[dict[str, Any]] = served.ask("GET", "/v1/activity", params={"limit": 200, **query}).json()["items"]
    return found


def test_what_is_approved_in_the_inbox_comes_in_on_an_open_page(guarded: Served, visits: Visits) -> None:
    run = pending(guarded, "mrs-seen")
    page = activity(guarded, visits, "?act=approved")
    inbox = opened(guarded, visits, "olga")
    choose(inbox, "mrs-seen")
    inbox.get_by_label("Reason").fill("as agreed")
    inbox.get_by_role("button", name="Approve").click()
    line = page.locator("#activity-list > li", has_text="mrs-seen")
    expect(line).to_contain_text("olga")
    expect(line).to_contain_text("saying: as agreed")
    expect(line).to_contain_text("in the console")
    expect(line.get_by_role("link", name="in the inbox")).to_have_attribute(
        "href", f"/console/inbox?approval={run['approvals'][0]['id']}"
    )
    line.get_by_role("link", name="approved pay_back for mrs-seen").click()
    expect(page).to_have_url(f"{guarded.console_url}/runs/{run['id']}")


def test_filters_stand_in_the_address_and_the_export_has_all_that_is_filtered(
    guarded: Served, visits: Visits, tmp_path: Path
) -> None:
    pauses(guarded, 30, HOSTILE)
    page = activity(guarded, visits)
    shown = page.locator("#activity-list > li")
    page.get_by_label("What", exact=True).select_option("paused")
    page.get_by_label("Part of a name").fill("LOOK")
    page.get_by_label("Part of a name").press("Enter")
    expect(page).to_have_url(f"{guarded.console_url}/activity?q=LOOK&act=paused")
    live(page)
    expect(shown).to_have_count(30)
    expect(shown.first).to_contain_text(f"saying: {HOSTILE}")
    for name, form in (("CSV", "csv"), ("JSON lines", "jsonl")):
        with page.expect_download() as downloading:
            page.get_by_role("link", name=f"Download all of these as {name}").click()
        downloading.value.save_as(tmp_path / form)
        assert downloading.value.suggested_filename == f"segue-activity.{form}"
    listed = lines(guarded, act="paused", q="look")
    assert len(listed) == 30
    assert [json.loads(one) for one in (tmp_path / "jsonl").read_text().splitlines()] == listed
    with (tmp_path / "csv").open(newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [str(one["id"]) for one in listed]


def test_older_lines_are_a_page_away_and_nothing_moves_while_somebody_reads(guarded: Served, visits: Visits) -> None:
    pauses(guarded, 30)
    listed = lines(guarded, about="look_up")
    page = activity(guarded, visits, "?about=look_up")
    shown = page.locator("#activity-list > li")
    expect(shown).to_have_count(50)
    reading = shown.nth(1).get_by_role("link").first
    reading.focus()
    expect(page.locator("#activity-list[data-held]")).to_be_visible()
    pauses(guarded, 1)
    more = page.get_by_role("button", name="2 new acts")
    expect(more).to_be_visible()
    expect(reading).to_be_focused()
    more.click()
    expect(more).to_be_hidden()
    expect(shown).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(f"{guarded.console_url}/activity?about=look_up&before={listed[47]['id']}")
    live(page)
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    pauses(guarded, 1)
    expect(page.get_by_role("button", name="new act")).to_have_count(0)


def test_signing_in_and_out_and_refused_keys_are_told_without_filling_the_store(
    guarded: Served, visits: Visits
) -> None:
    keys = ("segue_guessed", "", "segue_guessed", guarded.keys["shop"])
    for key in keys:
        assert httpx.post(f"{guarded.url}{SIGN_IN}", data={"key": key}, trust_env=False).status_code == 401
    refused = lines(guarded, act="key_refused")
    assert [(one["who"], one["detail"]) for one in refused] == [("shop", {"times": 1}), ("(unknown key)", {"times": 1})]
    assert not [key for key in keys if key and key in json.dumps(lines(guarded))]
    page = activity(guarded, visits, "?who=vera")
    expect(page.get_by_text("Nothing that was done fits.")).to_be_visible()
    other = opened(guarded, visits, "vera")
    expect(page.locator("#activity-list > li")).to_contain_text(["signed in"])
    other.get_by_role("button", name="Sign out").click()
    expect(page.locator("#activity-list > li").first).to_contain_text("signed out")


def test_a_start_is_told_and_an_address_that_means_nothing_says_so(guarded: Served, visits: Visits) -> None:
    page = activity(guarded, visits, "?act=settings_changed")
    expect(page.locator("#activity-list > li")).to_contain_text(["was started for the first time"])
    assert found(page) == ""
    page.goto(f"{guarded.console_url}/activity?act=slept")
    expect(page.get_by_role("alert")).to_contain_text("act: 'slept' is none of them")


def test_the_export_needs_a_session(guarded: Served) -> None:
    asked = guarded.ask("GET", "/console/activity/export?format=csv")
    assert (asked.status_code, asked.headers["location"].startswith(SIGN_IN)) == (303, True)
