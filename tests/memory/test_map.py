"""Where episodes lie on the map: like ones close, equal ones together, the same every time."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.map import lay_out
from memory.minilm import DIMENSIONS
from memory.settings import Settings
from memory.types import Feature


def unit(count: int, seed: int = 0) -> NDArray[np.float32]:
    """So many unit vectors in all directions."""
    return _long_1(np.random.default_rng(seed).normal(size=(count, DIMENSIONS)))


def near(centre: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors close to one."""
    return _long_1(centre + 0.1 * unit(count, seed).astype(np.float64))


def _long_1(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths: NDArray[np.float64] = np.linalg.norm(rows, axis=1, keepdims=True)
    found: NDArray[np.float32] = (rows / lengths).astype(np.float32)
    return found


def apart(places: NDArray[np.float64], one: slice, other: slice) -> float:
    """How far the middles of two groups are apart, in widths of the wider one."""
    groups = places[one], places[other]
    width = max(float(group.std(axis=0).max()) for group in groups)
    return float(np.linalg.norm(groups[0].mean(axis=0) - groups[1].mean(axis=0))) / width


def test_episodes_of_like_texts_lie_together_and_those_of_others_apart() -> None:
    centres = unit(3)
    vectors = np.concatenate([near(centre, 20, number) for number, centre in enumerate(centres)])
    layout = lay_out(vectors, [{}] * 60, Settings())
    groups = [slice(start, start + 20) for start in (0, 20, 40)]
    assert min(apart(layout.places, groups[a], groups[b]) for a, b in ((0, 1), (0, 2), (1, 2))) > 10
    assert sum(layout.explained) > 0.9


def test_the_same_text_is_spread_by_its_features() -> None:
    vectors = np.repeat(unit(1), 40, axis=0)
    features = [{"family": "pump" if row < 20 else "press", "load": row % 20 / 20} for row in range(40)]
    layout = lay_out(vectors, features, Settings())
    assert apart(layout.places, slice(0, 20), slice(20, 40)) > 2
    loads = np.array([one["load"] for one in features[:20]], np.float64)
    assert abs(np.corrcoef(loads, layout.places[:20, 1])[0, 1]) > 0.99


def test_half_the_squared_distance_is_how_unlike_recall_takes_two_episodes() -> None:
    # Three points lie in a plane, so that nothing is lost and distances can be read off.
    settings, texts = Settings(), unit(2)
    here, *others = lay_out(texts[[0, 0, 1]], [{"a": "x"}, {"a": "y"}, {"a": "x"}], settings).places
    by_feature, by_text = (float(np.sum((here - other) ** 2)) for other in others)
    likeness = settings.mismatch, math.exp((float(texts[0] @ texts[1]) - 1) / settings.h)
    assert by_feature / by_text == pytest.approx(math.log(likeness[0]) / math.log(likeness[1]), rel=1e-3)


def test_places_lie_from_minus_1_to_1_and_are_the_same_every_time() -> None:
    vectors = unit(50)
    features: list[Mapping[str, Feature]] = [{"a": str(row % 3), "b": row % 2 == 0, "c": row / 7} for row in range(50)]
    layout, again = (lay_out(vectors, features, Settings()) for _ in range(2))
    assert np.abs(layout.places).max() == 1.0
    assert np.array_equal(layout.places, again.places)


def test_the_direction_of_an_axis_does_not_hang_on_the_order_of_the_episodes() -> None:
    vectors, order = unit(50), np.random.default_rng(1).permutation(50)
    layout, turned = lay_out(vectors, [{}] * 50, Settings()), lay_out(vectors[order], [{}] * 50, Settings())
    assert np.abs(layout.places[order] - turned.places).max() <= 2e-4


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_where_there_is_nothing_to_tell_apart_all_lie_in_the_middle(count: int) -> None:
    layout = lay_out(np.repeat(unit(1), count, axis=0), [{"a": 1}] * count, Settings())
    assert layout.places.shape == (count, 2)
    assert not layout.places.any()
    assert layout.explained == (0.0, 0.0)


@pytest.mark.parametrize(
    "odd",
    [float("nan"), float("inf"), 10**400, -(2**1000), 1e308, True, "", "nan", "1"],
    ids=repr,
)
def test_whatever_a_feature_is_the_places_are_numbers(odd: Feature) -> None:
    features: list[Mapping[str, Feature]] = [{"a": odd}, {"a": -1e308}, {"a": 3}, {}, {"a": "word"}]
    assert np.isfinite(lay_out(unit(5), features, Settings()).places).all()


def test_a_feature_of_thousands_of_values_is_laid_out_by_the_frequent_ones() -> None:
    features = [{"order": f"o-{row}" if row % 2 else "standing"} for row in range(2_000)]
    layout = lay_out(np.repeat(unit(1), 2_000, axis=0), features, Settings())
    assert apart(layout.places, slice(0, 2_000, 2), slice(1, 2_000, 2)) > 2


def test_as_many_features_as_vectors_are_given() -> None:
    with pytest.raises(ValueError, match="3 vectors and 2 sets of features"):
        lay_out(unit(3), [{}, {}], Settings())
