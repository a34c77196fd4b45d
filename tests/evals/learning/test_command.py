"""`segue eval learning` as it is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import build_cli
from tests.evals.markup import seen
from tests.memory.conftest import embedder_dir  # noqa: F401

BEGIN = (sys.executable, "-m", "api", "eval", "learning")


def _run(*asked: str, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SEGUE_CACHE": str(cache)}
    return subprocess.run([*BEGIN, *asked], env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_it_writes_the_figures_and_tells_missed_marks_by_its_exit_code(
    tmp_path: Path,
    embedder_dir: Path,  # noqa: F811
) -> None:
    out, html = tmp_path / "out.json", tmp_path / "out.html"
    wanted = ("--part", "hidden", "--seeds", "0-1", "--events", "50", "--json", str(out), "--html", str(html))
    ran = _run(*wanted, cache=embedder_dir)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert ran.returncode == int(any(mark["state"] == "failed" for mark in found["marks"])), ran.stderr
    hidden = found["hidden"]
    assert (hidden["seeds"], hidden["events"], hidden["explore"]) == ([0, 1], 50, 0.05)
    assert hidden["arms"].keys() == {"no_memory", "unexplored", "product", "oracle"}
    assert hidden["arms"]["oracle"]["share_of_oracle"] == 1.0
    assert len(hidden["arms"]["product"]["curve"]) == len(hidden["arms"]["product"]["curve_spread"]) == 8
    texts = set(seen(html.read_text(encoding="utf-8")).texts)
    assert {*hidden["arms"], *(mark["name"] for mark in found["marks"]), "seeds: 0-1"} <= texts
    assert "worlds" not in found
    assert "no_memory" in ran.stdout


@pytest.mark.slow
def test_what_is_shown_to_a_scripted_model_is_a_part(
    tmp_path: Path,
    embedder_dir: Path,  # noqa: F811
) -> None:
    out = tmp_path / "out.json"
    ran = _run("--part", "shown", "--seeds", "0", "--json", str(out), cache=embedder_dir)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert ran.returncode == int(any(mark["state"] == "failed" for mark in found["marks"])), ran.stderr
    assert len(found["shown"]["arms"]) == len(found["marks"]) + 1 == 3


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--part", "reflexes"], "there is no 'reflexes'. Use some of hidden, worlds, reflex, shown"),
        (["--part", ""], "name at least one"),
        (["--seeds", "x"], "no span such as 0-9"),
        (["--explore", "0.9"], "less than or equal to 0.5"),
        (["--events", "3"], "greater than or equal to 50"),
        (["--html", "nowhere/out.html"], "--html: there is no folder 'nowhere'. Make it first"),
    ],
)
def test_what_cannot_be_played_is_refused_with_what_would_be_right(
    asked: list[str],
    said: str,
    embedder_dir: Path,  # noqa: F811
) -> None:
    ran = CliRunner().invoke(build_cli(), ["eval", "learning", *asked], env={"SEGUE_CACHE": str(embedder_dir)})
    assert ran.exit_code == 2
    assert said in " ".join(ran.stderr.replace("│", " ").split())
