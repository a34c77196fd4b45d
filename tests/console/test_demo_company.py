"""The demo's company in the console: seen as it happens, answered, asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.demo_company import MACHINE, PLANT, SHOP, Demo, failure_predicted, open_demo
from tests.console.served import Parent
from tests.console.test_chat_page import YES, ask
from tests.console.visits import Visits, live

LIMIT = 50


@dataclass(frozen=True, kw_only=True)
class Lived:
    """The company after a busy morning."""

    demo: Demo
    failed: Mapping[str, Any]
    """Run of a customer whom the chatbot failed."""
    complained: Mapping[str, Any]
    """Run of one who asks for money back, at most `LIMIT`, and waits for an approval."""
    predicted: Mapping[str, Any]
    """Run of a machine that is going to fail."""

    @property
    def customer(self) -> str:
        """Whom the chatbot failed."""
        return str(self.failed["event"]["subject"])


@pytest.fixture(scope="module")
def demo(parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The company before anything has happened."""
    with open_demo(parent, tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def lived(demo: Demo) -> Lived:
    """What the questions are about."""
    campaigns = {one["customer_id"]: one["campaigns"] for one in demo.world(SHOP, "/state")["customers"]}
    failed = next(
        event
        for event in demo.events("support.conversation.failed", 20)
        if any(one["state"] == "running" for one in campaigns[event["subject"]])
    )
    complaint = demo.complaint(0, LIMIT, but=frozenset({failed["subject"], demo.complaint(LIMIT, 1000)["subject"]}))
    demo.tell(PLANT, "/fault", {"tool": "predict_failure", "mode": "fail", "times": 20})
    lived = Lived(
        demo=demo,
        failed=demo.handle(failed),
        complained=demo.handle(complaint),
        predicted=demo.handle(failure_predicted()),
    )
    demo.tell(PLANT, "/fault", {"tool": "predict_failure", "mode": "off"})
    assert lived.complained["status"] == "waiting"
    return lived


def test_a_complaint_is_seen_as_it_comes_and_the_shop_pays_what_an_operator_made_of_it(
    demo: Demo, visits: Visits
) -> None:
    complaint = demo.complaint(LIMIT, 1000)
    customer, asked = complaint["subject"], complaint["data"]["amount"]
    page = visits.page(f"{demo.served.console_url}/")
    live(page)
    run = demo.send(complaint)
    line = page.get_by_role("link", name=f"customer.complaint.received about {customer}").first
    expect(line).to_have_attribute("href", f"/console/runs/{run}")
    expect(page.locator("nav .sg-badge")).to_have_text("1")
    assert demo.refunds() == []
    page.get_by_role("link", name="Open the inbox").click()
    page.locator(".sg-pick", has_text=customer).click()
    expect(page.get_by_role("heading", name=f"Call issue_refund for {customer}?")).to_be_visible()
    page.get_by_text("Change the arguments").click()
    assert float(page.get_by_label("amount").input_value()) == asked
    page.get_by_label("amount").fill("4.5")
    page.get_by_role("button", name="Approve with your changes").click()
    expect(page.get_by_role("status").filter(has_text="approved it")).to_contain_text('"amount": 4.5')
    assert demo.served.ended(run)["status"] == "done"
    assert [(one["customer_id"], one["amount"]) for one in demo.refunds()] == [(customer, 4.5)]


class Conversation:
    """The chat's page, and what is read from it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def ask(self, question: str) -> Locator:
        """The answer, once it is whole."""
        before = self.page.locator(".sg-turn").count()
        ask(self.page, question)
        return self.page.locator(".sg-turn").nth(before)

    def about(self, answer: Locator, run: Mapping[str, Any]) -> None:
        """The answer leads to that run."""
        expect(answer.locator(f"a[href='/console/runs/{run['id']}']").first).to_be_visible()


def used(answer: Locator, tool: str) -> None:
    """The answer came of this tool."""
    expect(answer.locator(".sg-fold").first).to_contain_text(tool)


def test_the_ten_questions_are_answered_with_the_runs_they_are_about(lived: Lived, visits: Visits) -> None:
    demo, customer = lived.demo, lived.customer
    page = visits.page(f"{demo.served.console_url}/chat")
    live(page)
    chat = Conversation(page)
    complainer = str(lived.complained["event"]["subject"])
    order = next(one for one in lived.predicted["effects"] if one["tool"] == "order_part")
    other = "quint" if order["arguments"]["supplier"] == "tarvo" else "tarvo"

    answer = chat.ask("what is waiting for me?")
    used(answer, "waiting")
    chat.about(answer, lived.complained)
    expect(answer.locator(".sg-words")).to_contain_text("issue_refund")

    answer = chat.ask(f"what happened with customer {customer} today?")
    used(answer, "find_runs")
    chat.about(answer, lived.failed)
    for one in {effect["tool"] for effect in lived.failed["effects"]}:
        expect(answer.locator(".sg-words")).to_contain_text(one)

    answer = chat.ask(f"why was marketing paused for {customer}?")
    used(answer, "why_called")
    chat.about(answer, lived.failed)
    expect(answer.locator(".sg-words")).to_contain_text("pause the marketing to the customer")

    answer = chat.ask(f"why was supplier {other} not used?")
    used(answer, "why_not")
    chat.about(answer, lived.predicted)
    expect(answer.locator(".sg-words")).to_contain_text(other)
    expect(answer.locator(".sg-words")).to_contain_text(f"order_part[supplier={order['arguments']['supplier']}]")

    answer = chat.ask("which tool fails most this week?")
    used(answer, "tool_figures")
    expect(answer.locator(".sg-words")).to_contain_text("predict_failure fails most since")

    drawn = answer.get_by_role("figure", name="Share of calls that did not succeed").get_by_role("listitem")
    expect(drawn.filter(has_text="predict_failure")).to_contain_text("1 of 1 (100 %)")

    answer = chat.ask(f"how did like cases end for {customer}?")
    used(answer, "like_cases")
    chat.about(answer, lived.failed)

    answer = chat.ask("what did we learn this week?")
    used(answer, "learned")
    expect(answer.locator(".sg-words")).to_contain_text("episodes")

    answer = chat.ask(f"send a test event for machine {MACHINE}")
    expect(answer.locator(".sg-confirm")).to_contain_text("machine.failure.predicted")
    expect(answer.locator(".sg-confirm")).to_contain_text(MACHINE)
    page.get_by_role("button", name=YES).click()
    expect(answer.locator(".sg-confirm").get_by_role("status")).to_have_text("You said yes, and it was done.")
    sent = demo.served.ask("GET", "/v1/runs", params={"subject": MACHINE}).json()["items"]
    assert len(sent) == 2
    chat.about(answer, next(one for one in sent if one["id"] != lived.predicted["id"]))

    answer = chat.ask(f"approve the refund for {complainer} up to {LIMIT}")
    expect(answer.locator(".sg-confirm")).to_contain_text("issue_refund")
    page.get_by_role("button", name=YES).click()
    expect(answer.locator(".sg-confirm").get_by_role("status")).to_have_text("You said yes, and it was done.")
    assert demo.served.ended(lived.complained["id"])["status"] == "done"
    asked = lived.complained["event"]["data"]["amount"]
    assert {one["customer_id"]: one["amount"] for one in demo.refunds()}[complainer] == asked

    answer = chat.ask("what can you do?")
    used(answer, "help")
    expect(answer.locator(".sg-words")).to_contain_text("approve")
