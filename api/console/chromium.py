"""The browser that screenshots and tests use. Start with `chromium`.

Playwright's library drives the Chromium that the machine has; it downloads none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from api.terminal import CommandError

try:
    from playwright.sync_api import Browser, Error, sync_playwright
except ImportError as missing:
    raise CommandError(
        "The library `playwright` is not installed. Get it: uv sync --group console (or pip install playwright)."
    ) from missing

__all__ = ["Browser", "Error", "chromium", "find_chromium"]
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first shows a page in half of the time that the others take; it has no windows at all."""


def find_chromium() -> str:
    """Path of the program. Raises `CommandError`."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    raise CommandError(f"No Chromium is installed ({', '.join(NAMES)}). Get it: apt-get install chromium (Debian).")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless one, until the end of the block. Raises `CommandError`.

    While it is open the thread counts as one that runs an event loop: none can be run in it.
    """
    program = find_chromium()
    # Chromium's own sandbox does not work for root.
    words = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=words)
        try:
            yield browser
        finally:
            browser.close()
