"""axe-core finds nothing serious on any page, in either colours."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from api.console.frame import PAGES
from tests.console.served import Served
from tests.console.visits import GROUNDS, Scheme, Visits, settled, sign_in


def found(page: Page, *rules: str) -> str:
    """Serious and critical violations, in words, of all rules or of some; empty where there are none."""
    results = Axe().run(page, options={"runOnly": list(rules)} if rules else None)
    bad = {one["id"] for one in results.response["violations"] if one["impact"] in {"serious", "critical"}}
    return "\n".join(results.generate_report(name) for name in sorted(bad))


@pytest.fixture(scope="module", autouse=True)
def runs(guarded: Served) -> dict[str, str]:
    """A run of every state a person may meet."""
    return {
        "done": guarded.handle()["id"],
        "waiting": guarded.handle("customer.wronged", {"message": "i paid twice", "amount": 12})["id"],
        "unknown": guarded.handle("customer.asked", {"note": "dead line"})["id"],
    }


ONE = ["/runs/{done}", "/runs/{waiting}", "/runs/{unknown}", "/portfolio/tools/book_call", "/portfolio/add"]


@pytest.mark.parametrize("path", [path for path, _ in PAGES] + ONE)
def test_a_page_has_no_serious_violation(guarded: Served, visits: Visits, runs: dict[str, str], path: str) -> None:
    page = visits.signed_in(guarded, path.format(**runs) or "/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    assert found(page) == ""
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_have_css("background-color", GROUNDS["dark"])
    assert found(page, "color-contrast") == "", "all else is as in the light"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_has_no_serious_violation_with_and_without_an_error(
    guarded: Served, visits: Visits, scheme: Scheme
) -> None:
    page = visits.page(f"{guarded.console_url}/", scheme=scheme)
    expect(page.locator("body")).to_have_css("background-color", GROUNDS[scheme])
    assert found(page) == ""
    sign_in(page, guarded, "shop")
    expect(page.get_by_role("alert")).to_be_visible()
    assert found(page) == ""
