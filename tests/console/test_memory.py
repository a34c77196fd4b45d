"""The page of memory in a browser: choosing on the map, lessons, and a source that is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from memory.types import Episode
from tests.agent.pasts import open_past
from tests.console.served import Parent, Served, open_served
from tests.console.visits import Visits, live
from tests.memory.episodes import episode

PARTNER, SHOP = "/partner", "/shop"
BORNE_OUT, OTHERS = 40, 6


def told() -> list[Episode]:
    """The partner's customers of tier gold stay where mail is paused, and where they are called they go."""
    found = []
    for number in range(BORNE_OUT + OTHERS):
        ours = number >= BORNE_OUT
        action = "pause_mail" if number % 2 else "book_call"
        made = episode(
            f"{number + 1:026d}",
            action,
            rewards={} if ours else {"loyalty": float(action == "pause_mail")},
            text="the parcel is late" if number % 3 else "the voucher came twice",
            features={"tier": "gold"},
            source=SHOP if ours else PARTNER,
            event_type="customer.upset",
            age_days=1 - number / 100,
        )
        found.append(replace(made, subject=f"c-{number}"))
    return found


@pytest.fixture
def lived(parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A Segue of its own for each test, that remembers them."""
    folder = tmp_path_factory.mktemp("lived")
    with ThreadPoolExecutor(1) as other:
        other.submit(asyncio.run, write(folder / "data")).result()
    with open_served(parent, folder) as running:
        yield running


async def write(data: Path) -> None:
    """Before it is started."""
    async with open_past(data) as past:
        await past.add(*told())


def opened(visits: Visits, served: Served, *, width: int = 1280) -> Page:
    """The page, with its map drawn."""
    page = visits.page(f"{served.console_url}/memory?type=customer.upset", width=width)
    live(page)
    expect(page.get_by_text("The newest 46 of 46")).to_be_visible()
    return page


def drag(page: Page, *places: tuple[float, float]) -> None:
    """Over the map, by shares of its width and height."""
    canvas = page.locator("#memory-map")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    for number, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if not number:
            page.mouse.down()
    page.mouse.up()


def test_a_lasso_chooses_episodes_and_they_are_told_beside_the_map(lived: Served, visits: Visits) -> None:
    page = opened(visits, lived)
    chosen = page.get_by_role("region", name="Chosen episodes")
    page.get_by_role("button", name="Lasso").click()
    drag(page, (0.01, 0.01), (0.99, 0.02), (0.98, 0.99), (0.02, 0.98))
    expect(chosen.get_by_role("heading")).to_have_text("46 episodes are chosen")
    expect(chosen).to_contain_text("20 went well, 20 went badly, 6 no outcome yet")
    expect(chosen.get_by_role("region", name="By source")).to_contain_text(PARTNER)
    chosen.get_by_role("button", name="Show more of 38").click()
    expect(chosen.locator(".sg-item")).to_have_count(16)
    page.locator("#memory-map").focus()
    page.keyboard.press("Escape")
    expect(chosen.get_by_role("heading")).to_have_text("Nothing is chosen")
    places = [page.evaluate("sgMap.pixel", number)[0] for number in (0, 45)]
    width = page.locator("#memory-map").evaluate("(canvas) => canvas.clientWidth")
    half = sum(places) / 2 / width
    drag(page, (half, 0.01), (0.01, 0.01), (0.01, 0.99), (half, 0.99))
    expect(chosen.get_by_role("heading")).to_contain_text("episodes are chosen")
    assert 0 < int(chosen.get_by_role("heading").inner_text().split()[0]) < 46


def test_the_map_is_worked_by_keyboard_and_a_click_chooses_one_episode(lived: Served, visits: Visits) -> None:
    page = opened(visits, lived, width=390)
    chosen = page.get_by_role("region", name="Chosen episodes")
    canvas = page.locator("#memory-map")
    canvas.focus()
    page.keyboard.press("Enter")
    expect(chosen.get_by_role("heading")).to_have_text("46 episodes are chosen")
    box = canvas.bounding_box()
    assert box is not None
    x, y = page.evaluate("() => sgMap.pixel(0)")
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.wheel(0, -2_000)
    x, y = page.evaluate("() => sgMap.pixel(0)")
    canvas.click(position={"x": x, "y": y})
    expect(chosen.get_by_role("heading")).to_have_text("1 episode is chosen")
    chosen.get_by_role("link", name="c-45").click()
    expect(page).to_have_url(f"{lived.console_url}/runs/{46:026d}")


def test_a_lesson_comes_in_is_reworded_and_its_episodes_are_shown(lived: Served, visits: Visits) -> None:
    page = opened(visits, lived)
    assert lived.ask("POST", "/v1/memory/lessons/distil", json={}).status_code == 200
    lesson = page.locator(".sg-item").filter(has_text="pause_mail kept 20 of 20")
    expect(lesson).to_contain_text("Of 20 runs 20 went well (100 %")
    expect(lesson).to_contain_text("where something else was done, 0 of 20 (0 %): 100 points better.")
    lesson.get_by_text("episodes behind it").click()
    expect(lesson.get_by_role("link", name="c-39")).to_be_visible()
    lesson.get_by_role("button", name="Edit").click()
    words = page.get_by_label("Words")
    words.fill(" ")
    page.get_by_role("button", name="Save it").click()
    expect(page.get_by_text("Right: one line of 1 to 200 characters")).to_be_visible()
    words.fill("gold customers: <b>no mail</b>")
    page.get_by_role("button", name="Save it").click()
    worded = page.locator(".sg-item").filter(has_text="gold customers: <b>no mail</b> (")
    expect(worded).to_contain_text("version 2")
    worded.get_by_text("Earlier versions").click()
    expect(worded.get_by_text("Version 1")).to_be_visible()


def test_a_source_is_revoked_after_it_was_said_what_goes_and_its_episodes_and_lessons_leave(
    lived: Served, visits: Visits
) -> None:
    lived.ask("POST", "/v1/memory/lessons/distil", json={})
    page = opened(visits, lived)
    expect(page.get_by_text("20 of 20").first).to_be_visible()
    page.get_by_role("button", name=f"Revoke {PARTNER}").click()
    expect(page.get_by_text("40 episodes (40 of customer.upset) and 0 outcomes came from it.")).to_be_visible()
    expect(page.get_by_text("1 lesson by it alone, retired")).to_be_visible()
    page.get_by_label("Reason").fill("it makes things up")
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text("The newest 6 of 6")).to_be_visible()
    expect(page.get_by_text("None yet: a rule is distilled")).to_be_visible()
    expect(page.get_by_text("revoked by operator: it makes things up")).to_be_visible()
    page.get_by_role("button", name=f"Hear again {PARTNER}").click()
    page.get_by_role("button", name="Hear it again").click()
    expect(page.get_by_text("The newest 46 of 46")).to_be_visible()
    expect(page.get_by_text("revoked by")).to_be_hidden()


def test_a_viewer_sees_memory_and_is_offered_no_acts(guarded: Served, visits: Visits) -> None:
    guarded.handle()
    page = visits.signed_in(guarded, "/memory?type=customer.upset", "vera")
    expect(page.get_by_text("heard")).to_be_visible()
    expect(page.get_by_text("memory is on")).to_be_visible()
    for name in ("Revoke /tests", "Switch memory off", "Edit", "Retire"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
