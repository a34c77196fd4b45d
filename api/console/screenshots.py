"""Pictures of every page of a running console. Start with `take_all`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Locator, Page

from api.console.frame import PAGES
from api.console.gate import MOUNT
from api.terminal import CommandError

Scheme = Literal["light", "dark"]
WIDTHS = (1280, 390)
HEIGHT = 900
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
QUESTION = "What is waiting for me?"
PATIENCE_MS = 30_000
ANSWERED_MS = 120_000
"""A chat model may take its time."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture to take."""

    name: str
    """Of the page, in words: `now`, `run`, `inbox-item`."""
    address: str
    width: int
    scheme: Scheme

    @property
    def file(self) -> str:
        """Its plain name."""
        return f"{self.name}-{self.width}-{self.scheme}.png"


class Studio:
    """A console as one operator sees it, in as many browsers as are asked for."""

    def __init__(self, browser: Browser, url: str, key: str | None) -> None:
        self._browser = browser
        self._url = url.rstrip("/")
        self._key = key

    def addresses(self, run: str | None) -> Mapping[str, str]:
        """Where to look, by name: the pages, a run, an item of the inbox, an answer of the chat, a tool."""
        page = self._sign_in(WIDTHS[0], "light").new_page()
        found = {name.lower(): self._at(path or "/") for path, name in PAGES}
        found = {name: address for name, address in found.items() if _exists(page, address)}
        if run is not None and _exists(page, self._at(f"/runs/{run}")):
            found["run"] = self._at(f"/runs/{run}")
        if "inbox" in found:
            _settled(page, found["inbox"])
            if _clicked(page.locator(".sg-pick").first):
                found["inbox-item"] = page.url
        if "chat" in found:
            _settled(page, found["chat"])
            if _asked(page):
                found["chat-answer"] = page.url
        if "portfolio" in found:
            _settled(page, found["portfolio"])
            if _clicked(page.locator('a[href*="/portfolio/tools/"]').first):
                page.wait_for_url("**/portfolio/tools/*")
                found["tool"] = page.url
            found["add-tools"] = self._at("/portfolio/add")
        page.context.close()
        return found

    def shots(self, addresses: Mapping[str, str]) -> Iterator[Shot]:
        """Every page in both colours and both widths."""
        for scheme in SCHEMES:
            for width in WIDTHS:
                for name, address in addresses.items():
                    yield Shot(name=name, address=address, width=width, scheme=scheme)

    def take(self, shots: list[Shot], folder: Path, done: Callable[[Path], None]) -> None:
        """Take the pictures, each as high as its page."""
        contexts: dict[tuple[int, Scheme], BrowserContext] = {}
        for shot in shots:
            how = (shot.width, shot.scheme)
            if how not in contexts:
                contexts[how] = self._sign_in(*how)
            page = contexts[how].new_page()
            _settled(page, shot.address)
            page.screenshot(path=folder / shot.file, full_page=True, animations="disabled")
            page.close()
            done(folder / shot.file)

    def _at(self, path: str) -> str:
        return f"{self._url}{MOUNT}{path}"

    def _sign_in(self, width: int, scheme: Scheme) -> BrowserContext:
        context = self._browser.new_context(
            viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        answer = page.goto(self._at("/"))
        if answer is None or not answer.ok:
            raise CommandError(f"There is no console at {self._at('/')}. Was Segue started with --no-console?")
        field = page.get_by_label("API key")
        if field.count():
            if not self._key:
                raise CommandError("The console asks for an API key. Give one that may read: --key or SEGUE_API_KEY.")
            field.fill(self._key)
            page.get_by_role("button", name="Sign in").click()
            told = page.get_by_role("alert").or_(page.locator("h1", has_text="Now"))
            told.wait_for()
            if page.get_by_role("alert").count():
                raise CommandError(f"The console does not let the key in: {page.get_by_role('alert').inner_text()}.")
        page.close()
        return context


def _exists(page: Page, address: str) -> bool:
    answer = page.goto(address)
    return answer is not None and answer.ok


def _settled(page: Page, address: str) -> None:
    """Open a page, and wait until it is live and shows what it has."""
    page.goto(address)
    page.wait_for_function("() => window.did_handshake === true")
    page.locator("h1").wait_for()
    page.wait_for_load_state("networkidle")


def _clicked(first: Locator) -> bool:
    """Open it, if there is one."""
    if not first.count():
        return False
    before = first.page.url
    first.click()
    first.page.wait_for_url(lambda url: url != before)
    return True


def _asked(page: Page) -> bool:
    """Ask the chat, and wait for the whole answer."""
    field = page.get_by_label("Ask Segue")
    if not field.count():
        return False
    before = page.url
    field.fill(QUESTION)
    field.press("Enter")
    page.wait_for_url(lambda url: url != before)
    page.get_by_role("button", name="Stop").wait_for(state="hidden", timeout=ANSWERED_MS)
    page.get_by_role("button", name="Send").wait_for(timeout=ANSWERED_MS)
    return True
