"""What the page of memory says and draws, as data: curves, spans, lessons, what a revocation touches."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import Refused
from api.console.memory.curve_view import ARMS, in_words, rows
from api.console.memory.drawing import HEIGHT, WIDTH, curve_of, span_of
from api.console.memory.lesson_words import borne_out, credit, support
from api.console.memory.lessons_view import worded
from api.console.memory.revoking import what_it_touches

HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e"


def mean(value: float, count: int = 10) -> dict[str, Any]:
    """Of rewards."""
    return {"count": count, "mean": value, "low": max(0.0, value - 0.1), "high": min(1.0, value + 0.1)}


def curve_point(day: int, memory: float | None, control: float | None = None) -> dict[str, Any]:
    """Of one day of November."""
    arms = {"memory": memory, "control": control, "undrawn": None}
    ends = {"since": f"2026-11-{day:02d}T00:00:00Z", "until": f"2026-11-{day + 1:02d}T00:00:00Z"}
    return ends | {arm: None if value is None else mean(value) for arm, value in arms.items()}


POINTS = [curve_point(1, 0.2, 0.5), curve_point(2, 0.6), curve_point(3, 0.9, 0.5)]


def corners(points: str) -> list[tuple[float, float]]:
    """As SVG writes them."""
    return [(float(x), float(y)) for x, y in (one.split(",") for one in points.split())]


def test_a_curve_is_a_line_and_a_band_for_each_arm_within_the_picture() -> None:
    shapes = curve_of(POINTS, ARMS, "label").shapes
    lines = {one.look: corners(one.given["points"]) for one in shapes if one.tag == "polyline"}
    assert {look: len(line) for look, line in lines.items()} == {"sg-line sg-of-memory": 3, "sg-line sg-of-control": 2}
    heights = [y for _, y in lines["sg-line sg-of-memory"]]
    assert heights == sorted(heights, reverse=True)
    bands = [corners(one.given["points"]) for one in shapes if one.tag == "polygon"]
    assert sorted(len(band) for band in bands) == [4, 6]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for band in bands for x, y in band)
    assert [one.words for one in shapes if one.words.startswith("2026")] == ["2026-11-01", "2026-11-04"]


def test_a_curve_says_in_words_and_in_a_table_what_it_draws() -> None:
    assert in_words(POINTS) == "Mean reward of 1: with memory from 0.20 to 0.90; without memory from 0.50 to 0.50."
    arms = {"memory": "with memory", "control": "without memory"}
    assert rows(POINTS, arms)[1] == ("2026-11-02 00:00", "2026-11-03 00:00", "0.60 (0.50 to 0.70), 10 runs", "-")


@pytest.mark.parametrize(("middle", "low", "high"), [(0.1, 0.02, 0.2), (-0.4, -1.0, 0.3), (0.0, 0.0, 0.0)])
def test_a_span_marks_zero_and_holds_the_difference(middle: float, low: float, high: float) -> None:
    shapes = span_of(middle, low, high, "label").shapes
    (band,) = [one.given for one in shapes if one.tag == "rect"]
    (dot,) = [float(one.given["cx"]) for one in shapes if one.tag == "circle"]
    (zero,) = [float(one.given["x1"]) for one in shapes if one.look == "sg-zero"]
    begins, ends = float(band["x"]), float(band["x"]) + float(band["width"])
    assert 0 <= begins <= dot + 0.1 <= ends + 0.2 <= WIDTH
    assert zero == pytest.approx((40 + WIDTH - 12) / 2, abs=0.1)
    assert (begins > zero) is (low > 0)


def lesson(**changes: Any) -> dict[str, Any]:
    """As the API shows it."""
    counts = {"good": 29, "total": 31, "rest_good": 13, "rest_total": 52, "low": 0.71, "high": 0.99, "p": 0.0001}
    shown = {"shown": 12, "helped": 8, "hurt": 1, "otherwise": 2, "open": 1}
    made = {"support": counts, "against": "others", "subjects": 1, "sources": {"/a": 20, "/b": 11}, "version": 3}
    return {**made, "written_by": HOSTILE, "credit": shown, **changes}


def test_a_lesson_says_of_how_many_by_how_much_from_whom_and_what_it_did() -> None:
    assert support(lesson()) == (
        "Of 31 runs 29 went well (94 %, interval 71 to 99 %); where something else was done, 13 of 52 (25 %): "
        "69 points better."
    )
    avoided = lesson(support={**lesson()["support"], "good": 2}, against="reversed")
    assert support(avoided).endswith("the other way round, 13 of 52 (25 %): 19 points worse.")
    assert borne_out(lesson()).startswith("Learned from 1 subject and 2 sources; version 3, worded by <img")
    assert borne_out(lesson()).isprintable()
    assert credit(lesson()).startswith("12 runs were shown it: 8 did so and went well, 1 did so and did not")
    assert credit(lesson(credit={"shown": 0})) == "No run was shown it yet."


def test_an_operators_words_are_one_line_of_bounded_length() -> None:
    assert worded(" call gold customers first ") == "call gold customers first"
    for wrong in ("", "   ", "two\nlines", "x" * 201, "\u202e"):
        with pytest.raises(Refused, match="Right: one line of 1 to 200 characters"):
            worded(wrong)


def test_what_a_revocation_touches_is_said_before_it_is_done() -> None:
    lessons = {"alone": 1, "worded": 0, "in_part": 2}
    touched = {"source": "/x", "episodes": {"a": 1_200, HOSTILE: 1}, "outcomes": 5, "lessons": lessons}
    sent, rest, _ = what_it_touches(touched, again=False)
    assert sent.startswith("1,201 episodes (1,200 of a, 1 of <img")
    assert sent.endswith("and 5 outcomes came from it.")
    assert rest == "What stands on it: 1 lesson by it alone, retired; 2 lessons in part, counted anew without it."
    nothing = {**touched, "lessons": dict.fromkeys(lessons, 0)}
    assert what_it_touches(nothing, again=False)[1] == "No standing lesson rests on it."
    assert len(what_it_touches(touched, again=True)) == 2
