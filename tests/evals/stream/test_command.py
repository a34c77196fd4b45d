"""`segue eval stream` as it is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import build_cli
from tests.evals.stream.test_arms import ABOUT, ASKED, LABELLED
from tests.memory.conftest import embedder_dir  # noqa: F401

BEGIN = (sys.executable, "-m", "api", "eval", "stream")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "tools.json").write_text(json.dumps(dict(LABELLED.tools)), encoding="utf-8")
    rows = "\n".join(f"{text},{tool}" for text, tool in ASKED)
    (tmp_path / "queries.csv").write_text(f"Query,Tool\n{rows}\n", encoding="utf-8")
    return ["--tools", str(tmp_path / "tools.json"), "--queries", str(tmp_path / "queries.csv")]


def _run(*asked: str, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SEGUE_CACHE": str(cache)}
    return subprocess.run([*BEGIN, *asked], env=environment, capture_output=True, text=True, timeout=300, check=False)


def _invoked(*asked: str, cache: Path) -> Result:
    """The same in this process, which has loaded most of it."""
    return CliRunner().invoke(build_cli(), ["eval", "stream", *asked], env={"SEGUE_CACHE": str(cache)})


def test_it_writes_the_figures_and_a_page(
    files: list[str],
    tmp_path: Path,
    embedder_dir: Path,  # noqa: F811
) -> None:
    out, page = tmp_path / "out.json", tmp_path / "page.html"
    asked = ["--events", "48", "--seeds", "0-1", "--arms", "cosine,no_memory,product,ceiling", "--stress", "noise"]
    ran = _run(*files, *asked, "--json", str(out), "--html", str(page), cache=embedder_dir)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert ran.returncode == int(any(mark["state"] == "failed" for mark in found["marks"])), ran.stderr
    assert (found["seeds"], found["events"], found["tools"]) == ([0, 1], 48, len(ABOUT))
    assert found["arms"].keys() == {
        *("cosine", "no_memory", "product", "ceiling"),
        *("no_memory+noise", "product+noise"),
    }
    product = found["arms"]["product"]
    assert product["gain_points"]["low"] <= product["gain_points"]["mean"] <= product["gain_points"]["high"]
    assert {"gain_over_cosine_points", "negative_transfer", "last_quarter"} <= product.keys()
    assert found["recall"]["p50_ms"] <= found["recall"]["p99_ms"]
    assert "<svg" in page.read_text(encoding="utf-8")
    assert "product" in ran.stdout


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--events", "10000"], "a stream of 10000 events needs as many queries"),
        (["--rows", "none"], "none of all, even, odd"),
        (["--seeds", "x"], "no span such as 0-9"),
        (["--seeds", "9-0"], "no span of 1 to"),
        (["--arms", "product,best"], "there is no 'best'"),
        (["--stress", "fire"], "there is no 'fire'"),
    ],
)
def test_what_cannot_be_played_is_refused_with_what_would_be_right(
    files: list[str],
    asked: list[str],
    said: str,
    embedder_dir: Path,  # noqa: F811
) -> None:
    ran = _invoked(*files, *asked, cache=embedder_dir)
    assert ran.exit_code == 2
    assert said in " ".join(ran.stderr.replace("│", " ").split())


def test_marks_that_were_missed_are_told_by_the_exit_code(
    files: list[str],
    tmp_path: Path,
    embedder_dir: Path,  # noqa: F811
) -> None:
    names = list(ABOUT)
    rows = "\n".join(f"{text},{names[number % 3]}" for number, (text, _) in enumerate(ASKED))
    (tmp_path / "queries.csv").write_text(f"Query,Tool\n{rows}\n", encoding="utf-8")
    asked = ["--events", "32", "--seeds", "0", "--arms", "cosine,no_memory,product", "--json", "-"]
    ran = _invoked(*files, *asked, cache=embedder_dir)
    marks = {mark["name"]: mark["state"] for mark in json.loads(ran.stdout)["marks"]}
    assert marks["product over cosine"] == "failed"
    assert ran.exit_code == 1


def test_the_object_is_printed_when_asked_for(files: list[str], embedder_dir: Path) -> None:  # noqa: F811
    asked = ["--events", "16", "--seeds", "3", "--arms", "cosine,no_memory", "--json", "-"]
    ran = _invoked(*files, *asked, cache=embedder_dir)
    assert ran.exit_code == 0, ran.stderr
    assert json.loads(ran.stdout)["arms"].keys() == {"cosine", "no_memory"}
