"""The inbox in a browser: answered, edited, answered by two at once, looked at without the right to answer."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.console.served import Served
from tests.console.test_accessibility import found
from tests.console.visits import Visits, settled


def pending(served: Served, subject: str, amount: float = 12) -> Any:
    """A run that waits for an approval of a payment."""
    return served.handle("customer.wronged", {"message": "i paid twice", "amount": amount}, subject=subject)


def opened(served: Served, visits: Visits, name: str, asked: str = "") -> Page:
    """The inbox of somebody who is signed in."""
    return visits.signed_in(served, f"/inbox{asked}", name)


def choose(page: Page, subject: str) -> None:
    """Open the line about somebody."""
    page.locator(".sg-pick", has_text=subject).click()
    expect(page.get_by_role("heading", level=2, name=subject)).to_be_visible()


@pytest.mark.shown
def test_an_approval_with_edited_arguments_is_carried_out_as_edited(guarded: Served, visits: Visits) -> None:
    run = pending(guarded, "mrs-edit")
    page = opened(guarded, visits, "olga")
    choose(page, "mrs-edit")
    page.get_by_text("Change the arguments").click()
    page.get_by_label("amount").fill("much")
    page.get_by_role("button", name="Approve with your changes").click()
    expect(page.get_by_text("much is no number. Right: a number such as 12.5, with a point.")).to_be_visible()
    expect(page.get_by_label("amount")).to_be_focused()
    page.get_by_label("amount").fill("4.5")
    page.get_by_label("Reason").fill("as agreed")
    expect(page.get_by_text("Your changes: amount: 12, now 4.5")).to_be_visible()
    page.get_by_role("button", name="Approve with your changes").click()
    told = page.get_by_role("status").filter(has_text="olga approved it")
    expect(told).to_contain_text('with other arguments: {"amount": 4.5, "customer": "mrs-edit"}, saying: as agreed.')
    expect(told).to_be_focused()
    expect(page.locator(".sg-pick", has_text="mrs-edit")).to_have_count(0)
    assert [one["arguments"] for one in guarded.ended(run["id"])["effects"]] == [
        {"amount": 4.5, "customer": "mrs-edit"}
    ]


@pytest.mark.shown
def test_the_second_of_two_is_told_who_was_first_and_keeps_what_was_typed(guarded: Served, visits: Visits) -> None:
    run = pending(guarded, "mr-two")
    approval = run["approvals"][0]["id"]
    page = opened(guarded, visits, "olga", f"?approval={approval}")
    page.get_by_text("Change the arguments").click()
    page.get_by_label("amount").fill("3")
    page.get_by_label("Reason").fill("half of it")
    answer = guarded.ask("POST", f"/v1/approvals/{approval}", json={"answer": "reject", "reason": "not ours"})
    assert answer.status_code == 200
    expect(page.get_by_role("status").filter(has_text="olga said no")).to_contain_text("saying: not ours.")
    expect(page.get_by_role("heading", name="What you had entered")).to_be_visible()
    expect(page.get_by_label("amount")).to_have_value("3")
    expect(page.get_by_label("Reason")).to_have_value("half of it")
    expect(page.get_by_label("Reason")).to_be_focused()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_a_form_that_is_filled_in_stays_while_new_things_arrive(guarded: Served, visits: Visits) -> None:
    pending(guarded, "mrs-busy")
    page = opened(guarded, visits, "olga")
    choose(page, "mrs-busy")
    page.get_by_text("Change the arguments").click()
    page.get_by_label("amount").fill("7")
    page.get_by_label("Reason").press_sequentially("I am still ")
    before = int(page.locator("nav .sg-badge").inner_text())
    for index in range(3):
        pending(guarded, f"late-{index}")
        expect(page.locator(".sg-pick", has_text=f"late-{index}")).to_be_visible()
    expect(page.locator("nav .sg-badge")).to_have_text(str(before + 3))
    page.keyboard.type("writing")
    expect(page.get_by_label("Reason")).to_have_value("I am still writing")
    expect(page.get_by_label("amount")).to_have_value("7")
    choose(page, "late-1")
    choose(page, "mrs-busy")
    expect(page.get_by_label("Reason").locator("visible=true")).to_have_value("I am still writing")


def test_whoever_may_only_read_sees_it_all_and_is_offered_nothing(guarded: Served, visits: Visits) -> None:
    run = pending(guarded, "mr-seen")
    page = opened(guarded, visits, "vera", f"?approval={run['approvals'][0]['id']}")
    expect(page.get_by_role("heading", name="Call pay_back for mr-seen?")).to_be_visible()
    expect(page.get_by_text("Your key may not answer this: it lacks the scope 'approve'")).to_be_visible()
    names = page.get_by_label("What is open").get_by_role("button").all_inner_texts()
    assert set(names) <= {"Back to the list", "Next in the inbox"}
    assert guarded.ask("GET", f"/v1/approvals/{run['approvals'][0]['id']}").json()["state"] == "pending"


def test_no_single_key_answers_anything(guarded: Served, visits: Visits) -> None:
    run = pending(guarded, "mrs-keys")
    page = opened(guarded, visits, "olga")
    expect(page.locator(".sg-pick", has_text="mrs-keys")).to_be_visible()
    page.locator(".sg-pick").last.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("j")
    expect(page.locator(".sg-pick").last).to_be_focused()
    page.locator(".sg-pick", has_text="mrs-keys").focus()
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=2, name="mrs-keys")
    expect(heading).to_be_focused()
    for key in "abcdefghilmnopqrstuvwxyz0123456789":
        page.keyboard.press(key)
    for key in ("Enter", "Space", "Delete", "Backspace", "F2"):
        page.keyboard.press(key)
    page.get_by_label("Reason").press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    assert guarded.ask("GET", f"/v1/approvals/{run['approvals'][0]['id']}").json()["state"] == "pending"


@pytest.mark.shown
def test_a_stolen_link_shows_the_sign_in_and_changes_nothing(guarded: Served, visits: Visits) -> None:
    run = pending(guarded, "mr-link")
    approval = run["approvals"][0]["id"]
    page = visits.page(f"{guarded.console_url}/inbox?approval={approval}")
    expect(page.get_by_label("API key")).to_be_visible()
    assert "mr-link" not in page.content()
    assert guarded.ask("GET", f"/v1/approvals/{approval}").json()["state"] == "pending"


@pytest.mark.parametrize("asked", ["?approval=nothing", "?effect=%00", "?letter=" + "x" * 500, "?pause=other%3Ax"])
def test_a_link_to_what_is_not_there_says_so(guarded: Served, visits: Visits, asked: str) -> None:
    page = opened(guarded, visits, "olga", asked)
    expect(page.get_by_text("there is no")).to_be_visible()
    expect(page.get_by_role("heading", level=1, name="Inbox")).to_be_visible()


def test_an_effect_in_doubt_is_settled_and_the_question_after_it_answered(guarded: Served, visits: Visits) -> None:
    run = guarded.handle("customer.asked", {"note": "dead line"}, subject="mrs-doubt")
    assert run["status"] == "waiting"
    page = opened(guarded, visits, "olga", "?kind=effects")
    choose(page, "mrs-doubt")
    page.get_by_label("Its result, as JSON").fill("{")
    page.get_by_role("button", name="It happened").click()
    expect(page.get_by_text("the text is not JSON")).to_be_visible()
    page.get_by_label("Its result, as JSON").fill("")
    page.get_by_label("Reason").fill("not in the diary")
    page.get_by_role("button", name="It did not happen").click()
    expect(page.get_by_role("status").filter(has_text="olga settled it")).to_contain_text("it did not happen")
    page.get_by_role("group", name="Which kinds to show").get_by_role("button", name="All").click()
    page.locator(".sg-pick", has_text="About mrs-doubt").click()
    expect(page.get_by_role("heading", level=2, name="A question about mrs-doubt")).to_be_visible()
    page.get_by_role("textbox", name="note").fill("the new number")
    page.get_by_role("button", name="Do what is chosen").click()
    expect(page.get_by_role("status").filter(has_text="olga chose book_call")).to_be_visible()
    effects = guarded.ended(run["id"])["effects"]
    assert [one["state"] for one in effects] == ["failed", "done"]
    assert effects[1]["arguments"]["note"] == "the new number"


def test_a_pause_is_ended_and_what_it_held_goes_on(guarded: Served, visits: Visits) -> None:
    body = {"scope": "event", "name": "customer.upset", "reason": "a move"}
    assert guarded.ask("POST", "/v1/pauses", json=body).status_code == 200
    run = guarded.send(subject="mr-held")
    page = opened(guarded, visits, "olga", "?kind=pauses")
    choose(page, "customer.upset")
    page.get_by_role("button", name="End the pause").click()
    expect(page.get_by_role("status").filter(has_text="ended this pause")).to_be_visible()
    assert guarded.ended(run)["status"] == "done"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_open_has_no_serious_violation(
    guarded: Served, visits: Visits, scheme: Literal["light", "dark"]
) -> None:
    run = pending(guarded, f"mrs-{scheme}")
    path = f"/inbox?approval={run['approvals'][0]['id']}"
    page = visits.signed_in(guarded, path, width=390, scheme=scheme)
    page.get_by_text("Change the arguments").click()
    page.get_by_label("amount").fill("much")
    page.get_by_role("button", name="Approve with your changes").click()
    expect(page.get_by_text("much is no number")).to_be_visible()
    settled(page)
    assert found(page) == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
