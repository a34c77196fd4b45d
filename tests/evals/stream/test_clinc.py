"""CLINC150 as tools and queries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.stream.clinc import PARTS, main
from evals.stream.labelled import read


def _data(folder: Path) -> None:
    (folder / "domains.json").write_text(json.dumps({"small_talk": ["tell_joke"], "work": ["next_holiday"]}))
    said: dict[str, list[list[str]]] = {part: [] for part in PARTS} | {
        "train": [["make me laugh", "tell_joke"], ["when is, say, the next day off", "next_holiday"]],
        "oos_test": [["how many primes are there", "oos"]],
    }
    (folder / "data_full.json").write_text(json.dumps(said))


def test_intents_become_tools_and_what_is_out_of_scope_has_none(tmp_path: Path) -> None:
    _data(tmp_path)
    assert main([str(tmp_path), str(tmp_path / "out")]) == 0
    labelled = read(tmp_path / "out" / "tools.json", tmp_path / "out" / "queries.csv", "all")
    assert labelled.tools == {"next_holiday": "next holiday (work)", "tell_joke": "tell joke (small talk)"}
    assert dict(zip(labelled.texts, labelled.right, strict=True)) == {
        "make me laugh": "tell_joke",
        "when is, say, the next day off": "next_holiday",
        "how many primes are there": "",
    }


@pytest.mark.parametrize("spoilt", ["data_full.json", "domains.json"])
def test_files_of_another_form_are_refused(tmp_path: Path, spoilt: str, capsys: pytest.CaptureFixture[str]) -> None:
    _data(tmp_path)
    (tmp_path / spoilt).write_text("[]")
    assert main([str(tmp_path), str(tmp_path / "out")]) == 2
    assert "CLINC150" in capsys.readouterr().err
    assert main([str(tmp_path / "none"), str(tmp_path / "out")]) == 2
