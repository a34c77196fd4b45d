"""Grades come from the world's ledger and state; comparisons are paired by case."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.intervals import share_interval
from evals.scenarios.arms import ARMS
from evals.scenarios.case import Case
from evals.scenarios.compare import BaselineError, Stored, compare, read_baseline
from evals.scenarios.grade import Aftermath, Grade, Graded, concerning, grade
from evals.scenarios.play import Played
from evals.scenarios.report import Report

WRITES = frozenset({"open_case", "issue_refund"})


def case(name: str = "one", **more: Any) -> Case:
    event = {"type": "t", "subject": "ada", "data": {}, "solution": [{"open_case": {}}]}
    stated = {"about": "a", "kinds": ["usual"], "events": [event], "must": ["size(calls.open_case) == 1"]}
    return Case.model_validate({"name": name, "world": "retail_care", **stated, **more})


def after(*tools: str, status: str = "done", offered: frozenset[str] = frozenset()) -> Aftermath:
    ledger = [{"tool": tool, "arguments": {}, "applied": True} for tool in tools]
    return Aftermath(ledger=ledger, state={}, write_tools=WRITES, statuses=[status], offered=offered)


@pytest.mark.parametrize(
    ("found", "grade_"),
    [
        (after("open_case"), "solved"),
        (after(), "unsolved"),
        (after("open_case", status="stopped"), "unsolved"),
        (after("open_case", "open_case"), "wrong"),
        (after("open_case", "issue_refund"), "wrong"),
        (after(status="waiting", offered=frozenset({"open_case"})), "asked"),
        (after(status="waiting", offered=frozenset({"issue_refund"})), "unsolved"),
        (after("issue_refund", status="waiting", offered=frozenset({"open_case"})), "wrong"),
    ],
)
def test_a_case_is_graded_by_what_changed_in_the_world(found: Aftermath, grade_: Grade) -> None:
    assert grade(case(), found).grade == grade_


def test_a_condition_that_cannot_be_told_does_not_hold() -> None:
    assert grade(case(must=["state.nowhere.x == 1.0"]), after("open_case")).grade == "unsolved"


def test_a_delivery_that_changed_nothing_counts_for_nothing() -> None:
    found = Aftermath(
        ledger=[{"tool": "issue_refund", "arguments": {}, "applied": False}, *after("open_case").ledger],
        state={},
        write_tools=WRITES,
        statuses=["done"],
        offered=frozenset(),
    )
    assert grade(case(), found).grade == "solved"


def test_the_state_is_cut_down_to_rows_that_name_the_case() -> None:
    state = {"customers": [{"customer_id": "ada"}, {"customer_id": "bob"}], "now": 3.0}
    assert concerning(case(), state) == {"customers": [{"customer_id": "ada"}], "now": 3.0}


def grades(first: Grade, times: int) -> list[Grade]:
    """Some of that grade, the rest of sixty solved."""
    return [first if number < times else "solved" for number in range(60)]


def report(found_grades: Sequence[Grade]) -> Report:
    cases = [case(f"c-{number}") for number in range(len(found_grades))]
    played = [
        Played(case=one.name, world=one.world, arm="playbooks", graded=Graded(grade=found))
        for one, found in zip(cases, found_grades, strict=True)
    ]
    return Report(decider="planner", cases=cases, arms=ARMS[:1], played=played)


def test_a_drop_beyond_the_interval_is_told_from_one_case_that_slipped() -> None:
    before = Stored.model_validate(report(grades("solved", 60)).as_json())
    slipped = compare(report(grades("unsolved", 1)), before)
    fallen = compare(report(grades("unsolved", 8)), before)
    assert [change.is_drop for change in slipped] == [False, False]
    assert [change.is_drop for change in fallen] == [True, False]
    assert slipped[0].worse == ("c-0",)


def test_an_error_fails_the_measurement_whatever_else_holds() -> None:
    marks = {mark.name: mark.passed for mark in report(grades("error", 1)).marks()}
    assert marks["no case failed on infrastructure"] is False
    assert marks["with playbooks at least 90%"] is True


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = share_interval(9, 10)
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "is no result"),
        ('{"segue_eval": "scenarios", "version": 1}', "'results'"),
        ('{"segue_eval": "scenarios", "version": 99, "results": []}', "version 99"),
        ('{"segue_eval": "scenarios", "version": 1, "results": [{"case": 1}]}', "results.0"),
    ],
)
def test_a_baseline_that_is_none_is_refused_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "then.json"
    file.write_text(text)
    with pytest.raises(BaselineError, match=said):
        read_baseline(file)


def test_one_case_bounds_nothing_and_its_comparison_is_json_all_the_same() -> None:
    alone = report(["solved"])
    (change, _) = compare(alone, Stored.model_validate(alone.as_json()))
    assert json.loads(json.dumps(change.as_json(), allow_nan=False))["low"] is None
    assert not change.is_drop
