"""Pages of the console in a real browser. Start with `Visits.page`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Error, Page, Request, expect

from tests.console.served import Served

PATIENCE_MS = 15_000
"""How long a page may take to show what a test expects; it is waited for no longer than it takes."""
Scheme = Literal["light", "dark"]
GROUNDS: Mapping[Scheme, str] = {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 21, 26)"}
"""`--ground` of theme.css: by it one sees which colours a page has."""
expect.set_options(timeout=PATIENCE_MS)


Look = tuple[int, int, Scheme]
"""Width and height of the window, and the colours that its system has."""


class Windows:
    """A browser whose windows are kept for the next test with their cache, but nothing else of those before."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[Look, list[BrowserContext]] = {}

    def take(self, look: Look, *, fresh: bool) -> BrowserContext:
        """One without pages, cookies, or anything kept by pages."""
        free = self._free.get(look)
        if free and not fresh:
            return free.pop()
        width, height, scheme = look
        made = self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        made.set_default_timeout(PATIENCE_MS)
        return made

    def give_back(self, look: Look, context: BrowserContext) -> None:
        """For the next test."""
        origins = {"{0.scheme}://{0.netloc}".format(urlsplit(page.url)) for page in context.pages}
        if context.pages:
            session = context.new_cdp_session(context.pages[0])
            for origin in origins:
                session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage"})
        for page in context.pages:
            page.close()
        context.clear_cookies()
        self._free.setdefault(look, []).append(context)


class Visits:
    """The pages a test opens, and what they must never do: ask another host, run what came as data, break."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._contexts: list[tuple[Look, BrowserContext]] = []
        self.foreign: list[str] = []
        """Requests for other hosts."""
        self.ran: list[str] = []
        """Dialogs that were opened."""
        self.broke: list[str] = []
        """Errors of scripts, and what the policy of the page had to stop."""

    def context(
        self, *, width: int = 1280, height: int = 900, scheme: Scheme = "light", fresh: bool = False
    ) -> BrowserContext:
        """Somebody with a browser of their own: no cookies yet, and with `fresh` nothing in its cache."""
        look: Look = (width, height, scheme)
        made = self._windows.take(look, fresh=fresh)
        made.on("request", self._asked)
        made.on("page", self._watch)
        self._contexts.append((look, made))
        return made

    def page(self, url: str, *, width: int = 1280, height: int = 900, scheme: Scheme = "light") -> Page:
        """A page as somebody new sees it."""
        page = self.context(width=width, height=height, scheme=scheme).new_page()
        page.goto(url)
        return page

    def signed_in(
        self, served: Served, path: str, name: str = "olga", *, width: int = 1280, scheme: Scheme = "light"
    ) -> Page:
        """A page of the console as somebody with this key sees it, once it is connected."""
        context = self.context(width=width, scheme=scheme)
        cookies = served.signed_in(name).items()
        context.add_cookies([{"name": key, "value": value, "url": served.console_url} for key, value in cookies])
        page = context.new_page()
        page.goto(f"{served.console_url}{path}")
        live(page)
        return page

    def close(self) -> None:
        """Close every page; fails if one of them did what it must not."""
        for look, context in self._contexts:
            self._windows.give_back(look, context)
            context.remove_listener("request", self._asked)
            context.remove_listener("page", self._watch)
        assert (self.foreign, self.ran, self.broke) == ([], [], [])

    def _watch(self, page: Page) -> None:
        page.on("dialog", self._opened)
        page.on("pageerror", self._failed)
        page.on("console", self._said)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self.foreign.append(request.url)

    def _opened(self, dialog: Dialog) -> None:
        self.ran.append(dialog.message)
        dialog.dismiss()

    def _failed(self, error: Error) -> None:
        self.broke.append(str(error))

    def _said(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.broke.append(message.text)


def live(page: Page) -> None:
    """Wait until the page is connected to its server."""
    page.wait_for_function("() => window.did_handshake === true")


QUIET_MS = 120
SETTLED = """(quiet) => new Promise((resolve) => {
  let end = setTimeout(resolve, quiet);
  new MutationObserver(() => { clearTimeout(end); end = setTimeout(resolve, quiet); })
    .observe(document.body, { childList: true, subtree: true, characterData: true });
})"""


def settled(page: Page) -> None:
    """Wait until all parts of the page have come, that is, until nothing more comes for a moment."""
    live(page)
    page.evaluate(SETTLED, QUIET_MS)


def sign_in(page: Page, served: Served, name: str = "olga") -> None:
    """Fill in the form of the sign-in, on which the page is."""
    page.get_by_label("API key").fill(served.keys[name])
    page.get_by_role("button", name="Sign in").click()


def is_there(page: Page, url: str) -> None:
    """Open a page of the console; the test is skipped where the server has none there yet."""
    answer = page.goto(url)
    if answer is None or answer.status == 404:
        pytest.skip(f"there is no page {url} yet")
