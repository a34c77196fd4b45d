"""Exact search in memory."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memory.vectors import Vectors

quick = hypothesis.settings(max_examples=40, deadline=None)


def _unit(count: int, seed: int = 0) -> NDArray[np.float32]:
    raw = np.random.default_rng(seed).normal(size=(count, 384)).astype(np.float32)
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))


@quick
@given(st.lists(st.tuples(st.sampled_from(["put", "remove"]), st.integers(0, 12)), max_size=60), st.integers(1, 15))
def test_whatever_was_put_and_removed_the_nearest_are_those_of_a_plain_search(
    changes: list[tuple[str, int]], k: int
) -> None:
    pool, query = _unit(60), _unit(1, seed=1)[0]
    vectors, plain = Vectors(), {}
    for number, (change, one) in enumerate(changes):
        name = f"e{one:02}"
        if change == "put":
            vectors.put([name], pool[[number]])
            plain[name] = pool[number]
        else:
            vectors.remove([name, "never there"])
            plain.pop(name, None)
    cosines = {name: float(vector @ query) for name, vector in plain.items()}
    expected = sorted(sorted(plain, reverse=True), key=lambda name: -round(cosines[name], 5))[:k]
    found = vectors.nearest(query, k)
    assert [name for name, _ in found] == expected
    assert [cosine for _, cosine in found] == pytest.approx([cosines[name] for name in expected], abs=1e-5)
    assert len(vectors) == len(plain)
    for name, vector in vectors.of([*plain, "never there"]).items():
        assert np.array_equal(vector, plain[name])


def test_of_equally_near_ones_the_greatest_ids_come_first() -> None:
    vectors = Vectors()
    same = np.repeat(_unit(1), 500, axis=0)
    vectors.put([f"e{number:03}" for number in range(500)], same)
    assert [name for name, _ in vectors.nearest(same[0], 3)] == ["e499", "e498", "e497"]


def test_nothing_is_near_to_nothing() -> None:
    assert Vectors().nearest(_unit(1)[0], 5) == ()
    vectors = Vectors()
    vectors.put(["e1"], _unit(1))
    assert vectors.nearest(_unit(1)[0], 0) == ()
