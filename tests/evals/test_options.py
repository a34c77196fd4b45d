"""Options of measurements are read and told in one way."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from evals.options import seeds_of, to_be_written, told_seeds


@pytest.mark.parametrize("text", ["0-9", "3", "0,4,7-9", "1000-1001"])
def test_seeds_are_told_as_they_are_asked_for(text: str) -> None:
    assert told_seeds(seeds_of(text)) == text


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    for fine in (None, Path("-"), tmp_path / "out.html"):
        to_be_written("--html", fine)
    with pytest.raises(typer.BadParameter, match=r"--html: there is no folder .*Make it first"):
        to_be_written("--html", tmp_path / "nowhere" / "out.html")
    with pytest.raises(typer.BadParameter, match=r"--html: .* is a folder. Name a file"):
        to_be_written("--html", tmp_path)
