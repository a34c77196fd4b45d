"""How many threads a process that recalls computes with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped]

from agent.algebra import SETTINGS, one_algebra_thread


def threads() -> set[int]:
    """Of each library that numpy computes with."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine with two cores where nobody said otherwise."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    with threadpool_limits(2, user_api="blas"):
        yield


def test_a_process_that_recalls_computes_on_one_thread() -> None:
    assert one_algebra_thread()
    assert threads() == {1}


@pytest.mark.parametrize("name", SETTINGS)
def test_what_the_environment_says_stands(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = threads()
    monkeypatch.setenv(name, "2")
    assert not one_algebra_thread()
    assert threads() == before
