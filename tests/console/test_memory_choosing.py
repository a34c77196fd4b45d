"""What is chosen on the map by a shape or a place, and that nothing a browser sends breaks it."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.console.memory.choosing import MOST_CORNERS, chosen, spread
from api.console.memory.telling import by_action, by_source, group


def point(x: float, y: float, **more: Any) -> dict[str, Any]:
    """An episode on the map."""
    return {"x": x, "y": y, "reward": None, "actions": [], "source": "/shop"} | more


FOUR = [point(-0.5, 0.5), point(0.5, 0.5), point(-0.5, -0.5), point(0.5, -0.5)]
EYE = [[-1, 1], [0, 0.1], [1, 1], [1, 0.2], [0, -0.2], [-1, 0.2]]
"""A lasso that bends in: its middle is thin."""


def test_a_lasso_chooses_what_lies_within_it_and_no_more() -> None:
    assert chosen(FOUR, {"shape": [[-1, 0], [-1, 1], [1, 1], [1, 0]]}) == [0, 1]
    assert chosen(FOUR, {"shape": EYE}) == [0, 1]
    assert chosen([*FOUR, point(0, 0.4), point(0, 0)], {"shape": EYE}) == [0, 1, 5]
    assert chosen(FOUR, {"shape": []}) == []


def test_a_click_chooses_the_nearest_and_all_on_its_very_place_or_nothing_where_none_is_near() -> None:
    same = [*FOUR, point(0.5, 0.5)]
    assert chosen(same, {"near": [0.48, 0.5], "within": 0.1}) == [1, 4]
    assert chosen(same, {"near": [0.0, 0.0], "within": 0.1}) == []
    assert chosen([], {"near": [0.0, 0.0], "within": 0.1}) == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["shape", "near", "within"]), inner),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_a_browser_says_the_answer_is_places_of_episodes_or_nothing(said: object) -> None:
    found = chosen(FOUR, said)
    assert found is None or set(found) <= {0, 1, 2, 3}


def test_what_is_no_shape_is_nothing() -> None:
    wrong: list[object] = [
        *(None, [], "shape", {}, {"shape": "all"}, {"shape": [[0, 0], [1, 1], ["x", 1]]}, {"shape": [[0, 0, 0]]}),
        *({"shape": [[0, math.inf]] * 3}, {"shape": [[0, math.nan]] * 3}, {"shape": [[True, 1]] * 3}),
        *({"shape": [[0, 0]] * (MOST_CORNERS + 1)}, {"near": [0, 0]}, {"near": [0, 0], "within": 10**400}),
    ]
    for said in wrong:
        assert chosen(FOUR, said) is None, said


def test_episodes_on_one_place_are_drawn_apart_and_can_be_chosen_one_by_one() -> None:
    drawn = spread([point(0.2, 0.2) for _ in range(30)] + [point(-0.9, 0.0)])
    assert len({(one["x"], one["y"]) for one in drawn}) == 31
    assert (drawn[0]["x"], drawn[0]["y"], drawn[30]["x"]) == (0.2, 0.2, -0.9)
    assert max(math.hypot(one["x"] - 0.2, one["y"] - 0.2) for one in drawn[:30]) < 0.06
    seventh = drawn[7]
    assert chosen(drawn, {"near": [seventh["x"], seventh["y"]], "within": 0.01}) == [7]


def test_what_was_chosen_is_summed_up_by_action_and_by_source() -> None:
    points = [
        point(0, 0, reward=1.0, actions=["call", "mail"]),
        point(0, 0, reward=0.0, actions=["mail"], source="/app"),
        point(0, 0, actions=["mail", "mail"]),
        point(0, 0, reward=0.5),
    ]
    told = [(one.name, one.good, one.bad, one.open) for one in by_action(points)]
    assert told == [("mail", 1, 1, 1), ("call", 1, 0, 0), ("nothing was done", 1, 0, 0)]
    assert [(one.name, one.count) for one in by_source(points)] == [("/shop", 3), ("/app", 1)]
    whole = group("all", points)
    assert whole.mean is not None
    assert (whole.mean.count, whole.mean.mean) == (3, 0.5)
    assert 0 < whole.mean.low < 0.5 < whole.mean.high < 1
    assert group("none", [point(0, 0)]).mean is None
