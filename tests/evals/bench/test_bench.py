"""Events at a rate and in a burst, into servers of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import build_cli
from evals.bench.ingest import Asked, burst
from evals.bench.nothing import app as nothing
from evals.bench.wire import Wire
from evals.worlds.kit.loopback import on_loopback


async def test_a_burst_is_sent_once_an_event_whatever_the_clients() -> None:
    asked = Asked(rate=1.0, seconds=1.0, hold_s=0.0, burst=50, clients=7, keep=None)
    seen: list[int] = []
    async with on_loopback(nothing()) as url, Wire(url) as wire:
        load = await burst(wire, asked, lambda _, done: seen.append(done), "empty route")
    assert (len(load.answers_ms), sum(seen), load.backlog) == (50, 50, None)
    assert load.row(load.per_s)["x empty route"] == 1.0


@pytest.mark.slow
def test_ingest_is_measured_against_segue_serve(tmp_path: Path) -> None:
    options = ["--rate", "10", "--seconds", "1", "--hold", "0.2", "--burst", "20", "--clients", "4"]
    told = CliRunner().invoke(build_cli(), ["bench", "ingest", *options, "--keep", str(tmp_path), "--json"])
    assert told.exit_code in (0, 1), told.output
    report = json.loads(told.stdout)
    assert [row["events"] for row in report["rows"]] == [20, 20, 10, 10]
    assert {mark["state"] for mark in report["marks"]} <= {"passed", "failed"}


@pytest.mark.slow
def test_memory_and_store_are_looked_at_ten_times(tmp_path: Path) -> None:
    told = CliRunner().invoke(
        build_cli(), ["bench", "scale", "--runs", "40", "--in-flight", "4", "--keep", str(tmp_path), "--json"]
    )
    assert told.exit_code in (0, 1), told.output
    rows = [row for row in json.loads(told.stdout)["rows"] if row["what"] == "one process"]
    assert [row["runs"] for row in rows] == list(range(4, 41, 4))
    assert all(row["resident MB"] > 10 and row["store MB"] > 0 for row in rows)


@pytest.mark.slow
def test_overhead_measures_each_arm_in_a_process_of_its_own(tmp_path: Path) -> None:
    options = ["--database", "none", "--database", "sqlite", "--seconds", "0.5", "--warm", "0", "--in-flight", "1"]
    told = CliRunner().invoke(build_cli(), ["bench", "overhead", *options, "--keep", str(tmp_path), "--json"])
    assert told.exit_code in (0, 1), told.output
    report = json.loads(told.stdout)
    arms = {(row["arm"], row["database"]) for row in report["rows"]}
    assert {("bare", "none"), ("dbos", "sqlite"), ("segue", "sqlite"), ("segue-known", "sqlite")} <= arms
    assert all(row["runs/s"] > 0 for row in report["rows"])


def test_an_arm_that_does_not_exist_cannot_be_measured() -> None:
    told = CliRunner().invoke(build_cli(), ["bench", "overhead", "--arm", "temporal"])
    assert told.exit_code == 2
    assert "there is no arm 'temporal'. Use one of: aegra, bare" in told.stderr
