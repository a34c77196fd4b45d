"""Looking at what a service offers, pausing a tool, and what Now says of it, in a browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from agent.portfolio.load import load_portfolio
from agent.portfolio.model import OpenApiEntry
from tests.console.served import Served
from tests.console.visits import Visits, live
from tests.tools.conftest import running_service, service
from tests.tools.service import Service

__all__ = ["running_service", "service"]

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}\u202e"


@contextmanager
def answering(document: Any) -> Iterator[str]:
    """The address of a document on loopback."""
    body = json.dumps(document).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/openapi.json"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def look(page: Page, address: str) -> None:
    """Fill in the form of addresses."""
    page.get_by_label("Address of an OpenAPI document").fill(address)
    page.get_by_role("button", name="Look at it").click()


def test_what_a_service_offers_becomes_lines_that_load(
    served: Served, visits: Visits, service: Service, tmp_path: Path
) -> None:
    page = visits.page(f"{served.console_url}/portfolio")
    live(page)
    page.get_by_role("link", name="Add tools by address").click()
    live(page)
    look(page, "file:///etc/passwd")
    expect(page.get_by_role("alert").first).to_contain_text("must be http(s)://host")
    look(page, f"{service.url}/openapi.json")
    page.get_by_label("open_case").check()
    page.get_by_label("Name of the tool").fill("look_up")
    page.get_by_role("button", name="Make the lines").click()
    expect(page.get_by_role("alert").last).to_contain_text("tool 'look_up' is also in")
    page.get_by_label("Name of the tool").fill("new_case")
    page.get_by_label("Step it performs").select_option("speak")
    page.get_by_label("Risk").select_option("high: asks a person")
    page.get_by_label("Owner of all of them").fill("care ${TEAM}")
    page.get_by_role("button", name="Make the lines").click()
    expect(page.get_by_text("they load", exact=True)).to_be_visible()
    file = tmp_path / "new.yaml"
    file.write_text(page.locator("#import-lines").inner_text())
    (_, source) = load_portfolio([served.folder / "portfolio.yaml", file], {}).sources
    assert isinstance(source, OpenApiEntry)
    (tool,) = source.tools or ()
    said = tool.governance
    assert (tool.name, tool.operation, said.step, said.risk, said.owner) == (
        *("new_case", "open_case"),
        *("speak", "high", "care ${TEAM}"),
    )
    assert service.seen == []


def test_a_thousand_hostile_operations_are_text_and_can_be_found(served: Served, visits: Visits) -> None:
    operation = {"operationId": HOSTILE, "summary": HOSTILE, "description": f"<script>alert(2)</script>{HOSTILE}"}
    paths = {f"/o{number}": {"post": {**operation, "operationId": f"{number} {HOSTILE}"}} for number in range(1_000)}
    document = {"openapi": "3.1.0", "info": {"title": HOSTILE}, "paths": paths}
    page = visits.page(f"{served.console_url}/portfolio/add")
    live(page)
    with answering(document) as address:
        look(page, address)
        expect(page.get_by_text("1,000 operations, of which 1,000 can be called")).to_be_visible()
    page.get_by_label("Find an operation").fill("/o777")
    expect(page.get_by_role("checkbox")).to_have_count(1)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Make the lines").click()
    expect(page.locator("#import-lines")).to_contain_text("operation: POST /o777")
    assert page.locator("img").count() == 0


def test_who_may_only_read_is_offered_neither_the_address_nor_the_pause(guarded: Served, visits: Visits) -> None:
    page = visits.signed_in(guarded, "/portfolio/add", "vera")
    expect(page.get_by_text("needs the scope govern")).to_be_visible()
    expect(page.get_by_role("button", name="Look at it")).to_have_count(0)
    page.goto(f"{guarded.console_url}/portfolio/tools/pay_back")
    live(page)
    expect(page.get_by_role("heading", name="How it does")).to_be_visible()
    expect(page.get_by_role("button", name="Pause it")).to_have_count(0)


def test_now_and_the_tools_page_tell_of_a_pause_and_of_a_breaker_that_opened(served: Served, visits: Visits) -> None:
    now = visits.page(f"{served.console_url}/")
    live(now)
    card = now.locator(".sg-card", has=now.get_by_role("heading", name="Is all well?"))
    expect(card.get_by_text("4 tools are called as usual.")).to_be_visible()
    page = visits.page(f"{served.console_url}/portfolio/tools/pause_mail")
    live(page)
    page.get_by_label("Reason for a pause").fill(HOSTILE)
    page.get_by_role("button", name="Pause it").click()
    expect(page.get_by_role("button", name="Resume it")).to_be_visible()
    expect(card.get_by_role("link", name="pause_mail")).to_be_visible()
    held = served.send()
    for _ in range(8):
        served.handle("customer.asked", {"note": "dead line"})
    expect(card.get_by_text("left alone")).to_be_visible()
    card.get_by_role("link", name="book_call").click()
    expect(now.get_by_text("the last 8 calls failed")).to_be_visible()
    expect(now.get_by_text("in doubt").first).to_be_visible()
    page.get_by_role("button", name="Resume it").click()
    expect(page.get_by_text("well", exact=True)).to_be_visible()
    assert served.ended(held)["status"] == "done"
    page.goto(f"{served.console_url}/portfolio")
    speak = page.locator(".sg-node", has_text="speak with the customer")
    expect(speak.get_by_role("link", name="8 wait here")).to_be_visible()


def test_a_tool_that_is_not_there_says_so(served: Served, visits: Visits) -> None:
    page = visits.page(f"{served.console_url}/portfolio/tools/%3Cb%3Enothing")
    expect(page.get_by_role("heading", name="There is no such tool")).to_be_visible()
    expect(page.get_by_text("No tool is called <b>nothing")).to_be_visible()
