"""`kill -9` at points where it matters and at a few pairs of them; the slow ones play every point.

The whole show is `python -m tests.durability.crashes`; here it is run for what is claimed of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(400)
"""15 s on two idle cores; a busy machine must not make it fail."""

ROOT = Path(__file__).parent.parent.parent
SEVERAL = """
import json, sys
from tests.durability.crashes import main
for name, given in json.loads(sys.argv[1]).items():
    print("PLAYED", name, flush=True)
    print("ended with", main(given), flush=True)
"""
POINTS = [
    "accept.after#1",
    "start.after#1",
    "decision.after#2 eager",
    "send-book_call.before#1",
    "receive-book_call.before#1 eager",
    "receive-pause_mail.after#1",
    "park.after#2 eager",
    "episode.after#1",
]
CAUGHT = ["claim-after-call", "retry-unknown"]
ALL_POSTGRES = ["start.after#1", "receive-book_call.after#1", "park.after#2", "episode.within#1"]


def play(commands: dict[str, list[str]]) -> dict[str, str]:
    """What each command printed; one process plays them all, since loading takes as long as a dozen lives."""
    told = subprocess.run(
        [sys.executable, "-c", SEVERAL, json.dumps(commands)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    parts = told.stdout.split("PLAYED ")[1:]
    return {part.split("\n", 1)[0]: part for part in parts}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = str(tmp_path_factory.mktemp("crashes"))
    whole = ["--only", ",".join(POINTS), "--pairs", "2", "--every", "1", "--seed", "7", "--folder", folder]
    broken = {
        kind: ["--only", "receive-book_call.before#1", "--broken", kind, "--folder", f"{folder}-{kind}"]
        for kind in CAUGHT
    }
    return play({"sound": whole, **broken})


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_point_where_it_matters_is_finished_by_the_next_life(
    played: dict[str, str], point: str
) -> None:
    """`eager`: the operator of the next life answers before the engine has recovered anything."""
    assert f"last '{point}'" in played["sound"]
    assert f"VIOLATED {point}" not in played["sound"]


def test_a_run_killed_again_while_it_recovers_is_finished_in_the_end(played: dict[str, str]) -> None:
    assert f"{len(POINTS)} points, 2 pairs, 0 violations\nended with 0" in played["sound"], played["sound"]


@pytest.mark.parametrize("kind", CAUGHT)
def test_a_broken_build_is_caught(played: dict[str, str], kind: str) -> None:
    assert "VIOLATED receive-book_call.before#1" in played[kind]
    assert "book_call acted 2 times" in played[kind]
    assert "ended with 1" in played[kind]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_no_point_and_no_pair_of_points_violates_anything(tmp_path: Path, database: str) -> None:
    printed = play({"all": ["--database", database, "--folder", str(tmp_path)]})["all"]
    assert "ended with 0" in printed, printed


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_run_killed_again_and_again_is_finished_in_the_end(tmp_path: Path) -> None:
    given = ["--only", "accept.after#1", "--pairs", "30", "--deaths", "7", "--folder", str(tmp_path)]
    printed = play({"again": given})["again"]
    assert "30 pairs, 0 violations\nended with 0" in printed, printed


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_segment_recovered_late_leaves_the_run_to_the_segment_that_followed(tmp_path: Path) -> None:
    """The engine recovers the parked segment about a second after the next one began its call."""
    given = ["--only", "park.after#2,park.after#3", "--pay-back-takes", "2.5", "--folder", str(tmp_path)]
    printed = play({"late": given})["late"]
    assert "2 points, 0 pairs, 0 violations\nended with 0" in printed, printed


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_points_where_it_matters_hold_on_postgresql(tmp_path: Path) -> None:
    given = ["--database", "postgres", "--only", ",".join(ALL_POSTGRES), "--pairs", "4", "--folder", str(tmp_path)]
    printed = play({"postgres": given})["postgres"]
    assert "4 points, 4 pairs, 0 violations\nended with 0" in printed, printed
