"""What the shipped cases are, and what is wrong with a case that is none."""

from collections import Counter
from pathlib import Path

import pytest

from evals.scenarios.case import CaseError, load_cases, read_case
from evals.scenarios.distractor import load_distractors
from evals.worlds.kit.serve import WORLDS

CASE = """
about: somebody waits
kinds: [usual]
events:
  - {type: support.conversation.failed, subject: ada, data: {}, solution: [{open_case: {team: meadow}}]}
must: ["size(calls.open_case) == 1"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "one.yaml"
    path.write_text(text)
    return path


def test_there_are_at_least_sixty_cases_and_a_third_need_another_step_or_tool_than_usual() -> None:
    cases = load_cases(WORLDS)
    kinds = Counter(kind for case in cases for kind in case.kinds)
    unusual = [case for case in cases if {"skip", "add", "other_tool"} & set(case.kinds)]
    assert len(cases) >= 60
    assert len(unusual) * 3 >= len(cases)
    assert {case.world for case in cases} == set(WORLDS)
    assert min(kinds["nothing"], kinds["hostile"], kinds["fault"]) >= 5


def test_each_step_of_each_world_has_three_distractors() -> None:
    for world in WORLDS:
        assert set(Counter(one.step for one in load_distractors(world)).values()) == {3}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("must: [", 'must: ["size(calls.open_case) ==", '), "must.0"),
        (("kinds: [usual]", "kinds: [odd]"), "kinds.0"),
        (("kinds: [usual]", "kinds: [nothing]"), "no solution"),
        (('must: ["size(calls.open_case) == 1"]', "mast: []"), "mast"),
        (("about: somebody waits", "about: [somebody"), "one.yaml"),
        (('"size(calls.open_case) == 1"', '"size(ledger) == 1"'), "ledger"),
    ],
)
def test_a_mistake_in_a_case_is_named_with_its_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    text = CASE.replace(*change)
    assert text != CASE
    with pytest.raises(CaseError, match=r"one\.yaml") as error:
        read_case(written(tmp_path, text), "retail_care")
    assert said in str(error.value)


def test_a_whole_case_is_read(tmp_path: Path) -> None:
    case = read_case(written(tmp_path, CASE), "retail_care")
    assert (case.name, case.acts, case.allowed_writes) == ("one", True, frozenset({"open_case"}))
