"""Whatever stands in an event is text: it runs nothing, loads nothing, and looks like nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from api.console.frame import PAGES
from api.terminal import clean
from tests.console.served import Served
from tests.console.visits import Visits, is_there, live, settled

MARKED = "window.ran = true"
HOSTILE = (
    f"<img src=x onerror='{MARKED}'>",
    f"<script>{MARKED}</script>",
    f"</script><script>{MARKED}</script>",
    f"</textarea></style></template>--><svg onload='{MARKED}'>",
    "{{7*7}} ${7*7} #{7*7} {{ constructor.constructor('window.ran = true')() }}",
    f"`${{{MARKED}}}` \\u003cb\\u003e &lt;b&gt;",
    "javascript:window.ran=true",
    "[here](javascript:window.ran=true) <https://evil.example> https://evil.example/x",
    f'" onmouseover="{MARKED}" x="',
    f"' :title='{MARKED}' @click='{MARKED}",
    "\u202egnp.exe\u202c \u2066x\u2069 a\u200fb",
    "\x1b[31mred\x1b[0m \x07 \x7f \x85 \u2028 line",
    "\U0001f4a9 e\u0301 \u0000".replace("\u0000", "\ufffd"),
    "//evil.example/" + "x" * 3_000,
)
PLACES = ("subject", "id", "source", "message")


def shown(text: str) -> str:
    """As it stands on a page: no controls, no overrides, one line."""
    return " ".join(clean(text).split())[:60]


@pytest.fixture(scope="module")
def poisoned(served: Served) -> Served:
    """Runs about every text in every place; the last of them wait for a person, so that they are in the inbox, too."""
    runs = []
    for kind in ("customer.upset", "customer.wronged"):
        for number, text in enumerate(HOSTILE):
            data = {"message": text, "amount": 5}
            places = {"subject": text[:200], "id": f"{kind}{number}{text}"[:200], "source": f"/s/{text}"[:200]}
            runs.append(served.send(kind, data, **places))
    for run in runs:
        served.ended(run)
    return served


@pytest.fixture
def page(poisoned: Served, visits: Visits) -> Iterator[Page]:
    """A page that notes what it runs; the visit notes what it asks of others."""
    made = visits.context().new_page()
    yield made
    assert made.evaluate("window.ran") is None


@pytest.mark.parametrize("path", [path for path, _ in PAGES] + ["/runs/{run}"])
def test_no_text_of_an_event_becomes_an_element_of_a_page(poisoned: Served, page: Page, path: str) -> None:
    newest = poisoned.ask("GET", "/v1/runs", params={"limit": 20}).json()["items"]
    runs = [run["id"] for run in newest] if "{run}" in path else [""]
    for run in runs[:14:3]:
        is_there(page, f"{poisoned.console_url}{path.format(run=run)}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        settled(page)
        assert page.locator("img[src='x'], svg[onload], main script").count() == 0
        for link in page.locator("a").all():
            assert (link.get_attribute("href") or "").startswith("/console")
        for element in page.locator("[onmouseover], [onerror], [onload]").all():
            pytest.fail(str(element.get_attribute("outerHTML")))


@pytest.mark.shown
def test_hostile_subjects_are_shown_as_the_text_they_are(poisoned: Served, page: Page) -> None:
    page.goto(f"{poisoned.console_url}/")
    live(page)
    for text in HOSTILE[:2]:
        poisoned.handle(subject=text)
        expect(page.get_by_role("link", name=f"customer.upset about {text}", exact=True).first).to_be_visible()
    poisoned.handle(subject="{{7*7}}")
    expect(page.get_by_role("link", name="customer.upset about {{7*7}}", exact=True)).to_be_visible()


def test_nothing_turns_the_direction_of_what_is_read(poisoned: Served, page: Page) -> None:
    page.goto(f"{poisoned.console_url}/")
    live(page)
    poisoned.handle(subject="turned \u202egnp.exe")
    expect(page.get_by_role("link", name="about turned")).to_be_visible()
    text = page.get_by_role("main").inner_text()
    assert not set(text) & {chr(code) for code in (0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068)}
    assert "turned \N{REPLACEMENT CHARACTER}gnp.exe" in text
