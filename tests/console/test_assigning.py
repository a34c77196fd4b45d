"""Two operators at one inbox: who takes care of what is seen by the other, and keeps nobody from answering."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.served import Served
from tests.console.test_inbox import opened, pending
from tests.console.visits import Visits


def test_what_one_takes_the_other_sees_live_and_answers_all_the_same(guarded: Served, visits: Visits) -> None:
    approval = pending(guarded, "mr-taken")["approvals"][0]["id"]
    first = opened(guarded, visits, "olga", f"?approval={approval}")
    second = opened(guarded, visits, "paul", f"?approval={approval}")
    expect(second.get_by_text("Nobody takes care of it yet.")).to_be_visible()
    first.get_by_label("Reason").fill("I look at")
    first.get_by_role("button", name="Take it").click()
    expect(first.get_by_text("You take care of it")).to_be_focused()
    expect(first.get_by_label("Reason")).to_have_value("I look at")
    expect(second.get_by_text("olga takes care of it")).to_be_visible()
    expect(second.locator(".sg-pick", has_text="mr-taken")).to_contain_text("olga has it")
    second.get_by_role("button", name="Mine").click()
    expect(second.get_by_text("You take care of nothing.")).to_be_visible()
    assert "whose=mine" in second.url
    second.get_by_role("button", name="Approve").click()
    expect(second.get_by_role("status").filter(has_text="paul approved it")).to_be_visible()
    expect(first.get_by_role("status").filter(has_text="paul approved it")).to_be_visible()
    expect(first.get_by_label("Reason")).to_have_value("I look at")
    expect(first.get_by_text("You take care of it")).to_be_hidden()


def test_a_thing_is_given_by_name_and_found_under_mine(guarded: Served, visits: Visits) -> None:
    approval = pending(guarded, "mrs-given")["approvals"][0]["id"]
    page = opened(guarded, visits, "oskar", f"?approval={approval}")
    expect(page.get_by_text("it lacks the scope 'approve', which the roles approver and admin have")).to_be_visible()
    expect(page.get_by_role("button", name="Take it")).to_have_count(0)
    page.get_by_text("Give it to somebody").click()
    page.get_by_role("button", name="Give it", exact=True).click()
    expect(page.get_by_text("Choose who.")).to_be_visible()
    names = page.get_by_label("Name", exact=True)
    assert names.locator("option").all_inner_texts() == ["choose who", "olga", "paul"]
    names.select_option("paul")
    page.get_by_role("button", name="Give it", exact=True).click()
    expect(page.get_by_text("paul takes care of it, since just now, given by oskar.")).to_be_visible()
    other = opened(guarded, visits, "paul", "?whose=mine")
    expect(other.locator(".sg-pick")).to_have_count(1)
    other.locator(".sg-pick", has_text="mrs-given").click()
    expect(other.get_by_text("given to you by oskar")).to_be_visible()
    other.get_by_role("button", name="Give it back").click()
    expect(other.locator(".sg-pick")).to_have_count(0)
    expect(page.get_by_text("Nobody takes care of it yet.")).to_be_visible()


def test_who_may_only_read_sees_who_has_it_and_changes_nothing(guarded: Served, visits: Visits) -> None:
    approval = pending(guarded, "mr-watched")["approvals"][0]["id"]
    assert guarded.ask("POST", f"/v1/inbox/approval/{approval}/assign", json={}).status_code == 200
    page = opened(guarded, visits, "vera", f"?approval={approval}")
    expect(page.get_by_text("olga takes care of it")).to_be_visible()
    names = page.get_by_label("What is open").get_by_role("button").all_inner_texts()
    assert set(names) <= {"Back to the list", "Next in the inbox"}
    expect(page.get_by_text("Give it to somebody")).to_have_count(0)
    expect(page.locator(".sg-who")).to_contain_text("viewer")
