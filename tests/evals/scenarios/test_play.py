"""Cases played for real: a world behind HTTP, a Segue on it, graded by the world."""

import asyncio

import pytest

from evals.scenarios.arms import ARMS
from evals.scenarios.case import Case, load_cases
from evals.scenarios.play import Played, Setting, play
from tests.agent.company import embedding_cache

SETTING = Setting(environment={"SEGUE_CACHE": str(embedding_cache())})
CASES = {case.name: case for case in load_cases(["retail_care", "plant_maintenance"])}


def played(case: Case, arm: str) -> Played:
    return asyncio.run(play(case, next(one for one in ARMS if one.name == arm), SETTING))


@pytest.mark.parametrize(
    ("name", "arm", "grade"),
    [
        ("add_refund_approved", "playbooks", "solved"),
        ("other_desk_down", "distractors", "solved"),
        ("usual_parcel", "bare", "asked"),
        ("usual_parcel", "nothing", "unsolved"),
        ("skip_refund_rejected", "oracle", "solved"),
        ("usual_order", "playbooks", "solved"),
        ("skip_ordered_already", "playbooks", "solved"),
        ("fault_case_in_doubt", "random", "wrong"),
    ],
)
def test_a_case_gets_the_grade_it_deserves(name: str, arm: str, grade: str) -> None:
    found = played(CASES[name], arm)
    assert found.graded.grade == grade, found.graded.reasons


@pytest.mark.parametrize(
    "change",
    [
        {"given": {"customers": [{"customer_id": "ada", "shoe_size": 44}]}},
        {"events": [{"type": "no.such.event", "subject": "ada", "data": {}, "solution": [{"open_case": {}}]}]},
        {"faults": [{"tool": "no_such_tool", "mode": "fail"}]},
    ],
)
def test_a_case_that_could_not_be_played_is_an_error_never_a_pass(change: dict[str, object]) -> None:
    broken = Case.model_validate({**CASES["usual_parcel"].model_dump(), **change})
    assert played(broken, "nothing").graded.grade == "error"
