"""Segue against a simple model of it, in sequences of deeds that Hypothesis makes up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.durability.model.play import play


@pytest.mark.timeout(600)
def test_a_few_lives_go_as_the_model_says(tmp_path: Path) -> None:
    play(tmp_path, examples=10, seed=None)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_thousand_examples_go_as_the_model_says(tmp_path: Path) -> None:
    play(tmp_path, examples=1000, seed=4)
