"""The page of `segue eval learning` shows what was found, and text as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals.bench.marks import Mark
from evals.intervals import Spread
from evals.learning import hidden, worlds
from evals.learning.page import page
from evals.learning.parts import Asked, Compared, Curves, Figures, Section
from tests.evals.markup import Seen, seen

GOOD = {"no_memory": 0.5, "unexplored": 0.85, "product": 0.83, "oracle": 0.89}
"""How often an arm of the hidden preference succeeds in the end; in the beginning half of the time."""
HOSTILE = "<script>alert(1)</script>&'\""


def preference(seeds: int, events: int = 200) -> Section:
    luck = np.random.default_rng(5)
    rise = {arm: np.linspace(0.5, share, events) for arm, share in GOOD.items()}
    played = [
        hidden.Played(
            arm=arm,
            seed=seed,
            rewards=(luck.random(events) < rise[arm]).astype(float),
            regret=np.full(events, 0.1),
            chance=0.5,
        )
        for arm in hidden.ARMS
        for seed in range(seeds)
    ]
    return hidden.summed_up(played, Asked(seeds=range(seeds), events=events, explore=0.05, wrong=0.1, cache=Path()))


def seasons(seeds: int) -> Section:
    luck = np.random.default_rng(6)
    played: dict[tuple[str, int, bool], list[worlds.Affair]] = {}
    for world in worlds.WORLDS:
        for seed in range(seeds):
            for memory in (False, True):
                fall = np.linspace(1.0, 0.4 if memory else 1.0, world.events)
                played[world.name, seed, memory] = [
                    worlds.Affair(
                        id=f"{seed}-{number}",
                        figures={name: float(luck.uniform(20, 60) * share) for name in world.measures},
                    )
                    for number, share in enumerate(fall)
                ]
    return worlds.summed_up(played, range(seeds), worlds.WORLDS)


def charts(found: Seen) -> list[str]:
    return [one.attributes["aria-label"] or "" for one in found.elements if one.attributes.get("role") == "img"]


def bands(found: Seen) -> int:
    return sum((one.attributes.get("class") or "").startswith("band ") for one in found.elements)


def test_the_page_names_every_part_arm_mark_and_setting() -> None:
    sections = [preference(3), seasons(3)]
    texts = seen(page(sections, 61.0)).texts
    assert {"hidden", "worlds", *GOOD, "no_memory", "memory"} <= set(texts)
    assert {mark.name for section in sections for mark in section.marks} <= set(texts)
    assert {"passed", "seeds: 0-2", "events: 200 a seed"} <= set(texts)
    assert "Played: hidden, worlds. 4 marks, 0 missed. Took 61 s." in texts


def test_a_missed_mark_is_told_in_the_first_line_and_in_its_row() -> None:
    missed = Mark(name="enough", wanted="at least 5", state="failed", measured=3.0)
    texts = seen(page([replace(preference(3), marks=[missed])], 1.0)).texts
    assert "Played: hidden. 1 marks, 1 missed. Took 1 s." in texts
    assert texts[texts.index("enough") + 1 :][:3] == ["at least 5", "3.00", "failed"]


def test_each_measure_of_each_world_has_a_curve_with_a_band_for_each_arm() -> None:
    found = seen(page([seasons(3)], 1.0))
    measures = [f"learning curves, {one.name}: {said}" for one in worlds.WORLDS for said in one.measures.values()]
    assert charts(found) == measures
    assert bands(found) == len(worlds.ARMS) * len(measures)
    points = [one for one in found.elements if one.attributes.get("class") == "part"]
    assert len(points) == worlds.QUARTERS * len(worlds.ARMS) * len(measures)


def test_the_band_is_the_interval_over_seeds_as_far_as_there_can_be_such_values() -> None:
    def heights(low: float, high: float) -> tuple[float, float]:
        """The highest and lowest place of the band in a chart from 0 to 1."""
        curve = [Spread(mean=0.5, low=low, high=high)] * 2
        one = Curves(title="t", measure="m", counted="c", events=10, judged_from=5, arms={"product": curve}, most=1.0)
        whole = [Spread(mean=0.0, low=0.0, high=0.0), Spread(mean=1.0, low=1.0, high=1.0)]
        one = replace(one, arms={"product": curve, "oracle": whole})
        section = replace(preference(2), curves=[one], compared=[], figures=[])
        (drawn, *_) = [
            one.attributes["d"] or ""
            for one in seen(page([section], 1.0)).elements
            if (one.attributes.get("class") or "").startswith("band k2")
        ]
        ups = [float(place.split()[1]) for place in drawn.strip("MZ").split("L")]
        return min(ups), max(ups)

    # From 26 at the top, 1, to 296 at the bottom, 0.
    assert heights(0.4, 0.6) == pytest.approx((26 + 0.4 * 270, 26 + 0.6 * 270))
    assert heights(-3.0, 4.0) == (26.0, 296.0)


def test_one_seed_is_drawn_without_bands_and_without_whiskers() -> None:
    def drawn(seeds: int) -> tuple[int, int]:
        found = seen(page([preference(seeds)], 1.0))
        return bands(found), sum("V" in (one.attributes.get("d") or "") for one in found.elements)

    assert (drawn(1), drawn(3)) == ((0, 0), (len(GOOD), len(GOOD)))


def test_text_is_shown_as_it_is_and_never_becomes_markup() -> None:
    spread = Spread(mean=0.5, low=0.4, high=0.6)
    hostile = Section(
        name=HOSTILE,
        found={},
        figures=[Figures(title=HOSTILE, columns=(HOSTILE, HOSTILE), rows=[(HOSTILE, HOSTILE)])],
        marks=[Mark(name=HOSTILE, wanted=HOSTILE, state="skipped", why=HOSTILE)],
        settings={HOSTILE: HOSTILE},
        compared=[Compared(title=HOSTILE, measure=HOSTILE, rows={HOSTILE: spread}, shown=".1f")],
        curves=[
            Curves(
                title=HOSTILE, measure=HOSTILE, counted=HOSTILE, events=4, judged_from=2, arms={HOSTILE: [spread] * 2}
            )
        ],
    )
    found = seen(page([hostile], 1.0))
    assert not {"script", "link", "img", "iframe"} & {one.tag for one in found.elements}
    assert found.texts.count(HOSTILE) >= 14
    assert charts(found)[0] == f"learning curves, {HOSTILE}"


def test_the_page_needs_nothing_else() -> None:
    html = page([preference(2), seasons(2)], 1.0)
    assert not [outside for outside in ("http", "url(", "@import", "src=") if outside in html]
    assert "prefers-color-scheme:dark" in html
    places = " ".join(one.attributes.get("d") or "" for one in seen(html).elements)
    assert places
    assert not re.search("nan|inf", places)
