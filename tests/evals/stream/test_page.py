"""The page and the terminal show what was measured, and show names as they are."""

from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

from evals.stream.figures import Played, Report, report
from evals.stream.page import page
from evals.stream.telling import told
from tests.evals.markup import seen

ARMS = ("cosine", "no_memory", "product", "ceiling", "no_memory+drift", "product+drift", "<b>", "[red]&'\"")


def streams(*arms: str, seeds: int = 3, events: int = 64) -> Report:
    random = np.random.default_rng(0)
    found = [
        Played(arm=arm, seed=seed, right=random.random(events) < 0.6, recall_ms=np.array([1.5]))
        for arm in arms
        for seed in range(seeds)
    ]
    return report(found, tools=5, events=events, seconds=2.0)


def test_a_curve_has_a_point_for_each_part_of_each_arm() -> None:
    html = page(streams(*ARMS), "streams")
    points = [one for one in seen(html).elements if one.attributes.get("class") == "part"]
    assert len(points) == 16 * len(ARMS)
    assert all(0 <= float(one.attributes["cy"] or "nan") <= 340 for one in points)


def test_the_points_lie_on_a_line_that_rises_with_success() -> None:
    right = np.repeat([False, True], 32)
    rising = report(
        [Played(arm="product", seed=0, right=right, recall_ms=np.empty(0))], tools=5, events=64, seconds=1.0
    )
    points = [one for one in seen(page(rising, "t")).elements if one.attributes.get("class") == "part"]
    heights = [float(one.attributes["cy"] or "nan") for one in points]
    assert heights[:8] == [heights[0]] * 8
    assert heights[8:] == [heights[-1]] * 8
    assert heights[-1] < heights[0]


def test_names_are_shown_as_they_are_and_never_become_markup() -> None:
    html = page(streams(*ARMS), "a <i>title</i>")
    found = seen(html)
    assert not {"b", "i"} & {one.tag for one in found.elements}
    assert {"<b>", "[red]&'\"", "a <i>title</i>"} <= set(found.texts)


def test_the_page_needs_nothing_else() -> None:
    html = page(streams(*ARMS), "streams")
    assert not {"script", "link", "img", "iframe"} & {one.tag for one in seen(html).elements}
    assert not [outside for outside in ("http", "url(", "@import", "src=") if outside in html]
    assert "prefers-color-scheme:dark" in html


def test_the_page_shows_every_arm_and_every_mark() -> None:
    found = streams(*ARMS)
    texts = set(seen(page(found, "streams")).texts)
    assert {one.name for one in found.marks} | {one.arm for one in found.arms} <= texts
    assert {"over no_memory", "over cosine", "drift", "right decisions, %", "events of the stream"} <= texts


def test_one_seed_is_drawn_without_whiskers() -> None:
    def whiskers(seeds: int) -> int:
        html = page(streams("no_memory", "product", seeds=seeds), "t")
        drawn = [one.attributes.get("d") or "" for one in seen(html).elements if one.tag == "path"]
        return sum("V" in path for path in drawn)

    assert (whiskers(1), whiskers(3)) == (0, 1)


@pytest.mark.parametrize("events", [1, 3, 17, 250])
def test_a_short_stream_still_makes_a_page(events: int) -> None:
    found = seen(page(streams(*ARMS, events=events), "short"))
    assert "nan" not in " ".join(value or "" for one in found.elements for value in one.attributes.values())


def test_nothing_played_still_makes_a_page() -> None:
    nothing = report([], tools=0, events=0, seconds=0.0)
    assert "0 seeds, 0 events each, 0 tools" in seen(page(nothing, "nothing")).texts


def test_the_terminal_shows_every_arm_and_every_mark() -> None:
    found = streams(*ARMS)
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(told(found))
    said = capture.get()
    assert "3 seeds, 64 events each, 5 tools" in said
    assert not [one.arm for one in found.arms if one.arm not in said]
    assert not [one.name for one in found.marks if one.name not in said]
