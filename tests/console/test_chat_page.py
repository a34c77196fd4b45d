"""The chat's page in a browser: asked, confirmed, done, judged, stopped by nothing that was said."""

from __future__ import annotations

import signal

import pytest
from playwright.sync_api import Page, expect

from tests.console.served import Served
from tests.console.visits import Visits, live, sign_in

YES = "Yes, do exactly this"


def opened(served: Served, visits: Visits, more: str = "") -> Page:
    """A new conversation."""
    page = visits.page(f"{served.console_url}/chat{more}")
    live(page)
    expect(page.locator("textarea")).to_be_focused()
    return page


def ask(page: Page, question: str) -> None:
    """Type it and send it, as the focus is where it was; answered when it may be asked again."""
    expect(page.locator("textarea")).to_be_focused()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    before = page.locator(".sg-turn").count()
    page.keyboard.type(question)
    page.keyboard.press("Enter")
    expect(page.locator(".sg-turn")).to_have_count(before + 1)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(page.locator("textarea")).to_have_value("")


@pytest.mark.shown
def test_something_is_approved_after_a_yes_to_its_exact_arguments_and_seen_done(served: Served, visits: Visits) -> None:
    run = served.handle("customer.wronged", {"message": "i paid twice", "amount": 12}, subject="mr-twice")["id"]
    page = opened(served, visits)
    ask(page, "approve the refund for mr-twice")
    card = page.locator(".sg-confirm")
    expect(card.locator("dd").get_by_text("12", exact=True)).to_be_visible()
    expect(card).to_contain_text("On yes: Calls pay_back")
    assert served.ended(run)["status"] == "waiting"
    page.get_by_role("button", name=YES).click()
    expect(card.get_by_role("status")).to_have_text("You said yes, and it was done.")
    expect(page.get_by_role("button", name=YES)).to_have_count(0)
    shown = page.locator(".sg-mini", has_text="Run")
    expect(shown.get_by_text("done", exact=True)).to_be_visible()
    expect(shown.get_by_role("link")).to_have_attribute("href", f"/console/runs/{run}")
    assert [one["state"] for one in served.ended(run)["effects"]] == ["done"]
    expect(page.locator("textarea")).to_be_focused()


def test_a_thumb_on_the_answer_about_one_run_is_its_outcome(served: Served, visits: Visits) -> None:
    run = served.handle(subject="mrs-thumb")["id"]
    page = opened(served, visits)
    ask(page, f"explain run {run}")
    page.get_by_role("button", name="It did badly").click()
    expect(page.get_by_label("Why it did badly (optional)")).to_be_focused()
    page.keyboard.type("too <b>late</b>")
    page.keyboard.press("Enter")
    expect(page.locator(".sg-thumbs").get_by_role("status")).to_contain_text('because "too <b>late</b>"')
    (outcome,) = served.ended(run)["outcomes"]
    assert outcome["data"] == {"thumb": "down", "reason": "too <b>late</b>"}
    ask(page, "what can you do?")
    expect(page.locator(".sg-turn").last.get_by_role("button", name="It did badly")).to_have_count(0)


def test_what_was_answered_elsewhere_can_no_longer_be_confirmed(served: Served, visits: Visits) -> None:
    run = served.handle("customer.wronged", {"message": "i paid twice", "amount": 7}, subject="mr-else")
    page = opened(served, visits)
    ask(page, "approve the refund for mr-else")
    expect(page.get_by_role("button", name=YES)).to_be_visible()
    served.ask("POST", f"/v1/approvals/{run['approvals'][0]['id']}", json={"answer": "reject"})
    told = page.locator(".sg-confirm").get_by_role("status")
    expect(told).to_have_text("It was answered elsewhere: rejected by operator. Nothing was done from here.")
    expect(page.get_by_role("button", name=YES)).to_have_count(0)


def test_hostile_words_stay_words(served: Served, visits: Visits) -> None:
    said = '<img src=x onerror="alert(1)"> [x](https://evil.example) javascript:alert(1)'
    served.handle(data={"message": said}, subject="<b>mallory</b>")
    page = opened(served, visits, "?ask=%3C/textarea%3E%3Cscript%3Ealert(1)%3C/script%3E")
    expect(page.locator("textarea")).to_have_value("</textarea><script>alert(1)</script>")
    expect(page.locator(".sg-turn")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator(".sg-question")).to_have_text("</textarea><script>alert(1)</script>")
    ask(page, "what happened today?")
    expect(page.locator(".sg-words").last).to_contain_text("onerror")
    leads = page.locator(".sg-turn a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert leads
    assert all(one.startswith("/console/runs/") or one.startswith("/console/inbox?approval=") for one in leads)
    assert page.locator(".sg-turn img, .sg-turn b, .sg-turn script").count() == 0


def test_keys_bring_questions_back_and_break_lines(served: Served, visits: Visits) -> None:
    page = opened(served, visits)
    ask(page, "what can you do?")
    ask(page, "what is waiting for me?")
    field = page.locator("textarea")
    for key, value in (
        ("ArrowUp", "what is waiting for me?"),
        ("ArrowUp", "what can you do?"),
        ("ArrowDown", "what is waiting for me?"),
        ("ArrowDown", ""),
    ):
        page.keyboard.press(key)
        expect(field).to_have_value(value)
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(field).to_have_value("one\ntwo")
    expect(page.locator(".sg-turn")).to_have_count(2)


def test_a_conversation_is_opened_again_until_a_restart_which_the_page_tells(served: Served, visits: Visits) -> None:
    page = opened(served, visits)
    ask(page, "what can you do, once more?")
    expect(page).to_have_url(f"{served.console_url}/chat?talk=" + page.url.partition("talk=")[2])
    talk = page.url
    page.get_by_role("link", name="New conversation").click()
    live(page)
    expect(page.locator(".sg-turn")).to_have_count(0)
    page.get_by_role("link", name="what can you do, once more?").first.click()
    expect(page.locator(".sg-question")).to_have_text("what can you do, once more?")
    assert page.url == talk
    served.end(signal.SIGKILL)
    served.start()
    expect(page.get_by_text("This conversation is not kept any more")).to_be_visible()
    expect(page.locator("textarea")).to_be_focused()
    ask(page, "what is waiting for me?")


def test_who_may_only_read_asks_and_is_offered_no_act(guarded: Served, visits: Visits) -> None:
    run = guarded.handle("customer.wronged", {"message": "i paid twice", "amount": 12}, subject="mr-view")["id"]
    page = visits.page(f"{guarded.console_url}/chat")
    sign_in(page, guarded, "vera")
    live(page)
    expect(page.get_by_text("Your key may read")).to_be_visible()
    ask(page, "approve the refund for mr-view")
    expect(page.locator(".sg-words")).to_contain_text("lacks the scope")
    ask(page, f"explain run {run}")
    expect(page.locator(".sg-words").last).to_contain_text(run)
    assert page.get_by_role("button", name=YES).count() == page.locator(".sg-thumbs").count() == 0
    assert guarded.ended(run)["status"] == "waiting"
