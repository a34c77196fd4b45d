"""Many workers on one store: who dies has its runs taken over, who only slept repeats nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.conftest import empty_database
from tests.durability.workers.fleet import Fleet, open_fleet, until
from tests.postgres_server import NoServer, postgres_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server; skips with the reason where there is none."""
    try:
        with postgres_server() as url:
            yield url
    except NoServer as error:
        pytest.skip(str(error))


@pytest.fixture
def fleet(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """`segue serve` and two workers."""
    with open_fleet(tmp_path, empty_database(server, f"fleet_{os.urandom(4).hex()}"), workers=2) as opened:
        yield opened


def handler(fleet: Fleet, deliveries: int = 1) -> int:
    """The process that has the call in its hands."""
    until(lambda: len(fleet.delivered()) >= deliveries)
    process: int = fleet.delivered()[-1]["process"]
    return process


def test_runs_are_shared_and_each_subject_keeps_its_order(fleet: Fleet) -> None:
    runs = [fleet.send("mail.unwanted", f"c-{number}") for number in range(40)]
    for run in runs:
        assert fleet.ended(run, "done", "failed", "waiting")["status"] == "done"
    assert len(fleet.delivered()) == 40
    assert len({one["key"] for one in fleet.delivered()}) == 40


def test_a_worker_that_dies_has_its_runs_taken_over_within_30_seconds(fleet: Fleet) -> None:
    held = fleet.hold("pause_mail")
    run = fleet.send("mail.unwanted", "c-1")
    os.kill(handler(fleet), signal.SIGKILL)
    died = time.monotonic()
    held.unlink()
    assert fleet.ended(run, "done", "failed", "waiting")["status"] == "done"
    assert time.monotonic() - died < 30
    first, second = fleet.delivered()
    assert (first["key"], first["process"] == second["process"]) == (second["key"], False)


def test_a_worker_that_only_slept_repeats_nothing_and_its_late_answer_counts(fleet: Fleet) -> None:
    held = fleet.hold("book_call")
    run = fleet.send("call.wanted", "c-1")
    sleeper = handler(fleet)
    os.kill(sleeper, signal.SIGSTOP)
    shown = fleet.ended(run, "waiting")
    assert [effect["state"] for effect in shown["effects"]] == ["unknown"]
    os.kill(sleeper, signal.SIGCONT)
    held.unlink()
    shown = fleet.ended(run, "done", "failed")
    assert (shown["status"], [effect["state"] for effect in shown["effects"]]) == ("done", ["done"])
    assert len(fleet.delivered()) == 1


def test_a_worker_that_is_ended_hands_over_at_once(fleet: Fleet) -> None:
    held = fleet.hold("pause_mail")
    run = fleet.send("mail.unwanted", "c-1")
    os.kill(handler(fleet), signal.SIGTERM)
    handler(fleet, deliveries=2)
    held.unlink()
    assert fleet.ended(run, "done", "failed", "waiting")["status"] == "done"
    assert len({one["key"] for one in fleet.delivered()}) == 1


def test_processes_that_do_not_share_their_index_are_refused(fleet: Fleet) -> None:
    alone = fleet.start("worker", name="elsewhere", chroma_url="http://localhost:9")
    assert alone.wait() != 0
    assert "Give all of them the same" in " ".join(fleet.said("elsewhere").split())
