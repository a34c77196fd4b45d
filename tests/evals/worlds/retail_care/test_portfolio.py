"""What the world's own portfolio promises to a decider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import evals.worlds.retail_care as world
from agent.deciders.purposes import Conditions
from evals.worlds.retail_care.tools import READS
from tests.agent.deciders.planner_companies import situation

PORTFOLIO: dict[str, Any] = yaml.safe_load(Path(str(world.__file__)).with_name("portfolio.yaml").read_text("utf-8"))
CONDITIONS = [
    (type_, str(purpose["when"]), read)
    for type_, event in PORTFOLIO["events"].items()
    for purpose in event["playbook"]
    for read in sorted(READS)
    if f"results.{read}" in purpose.get("when", "")
]


@pytest.mark.parametrize(("type_", "when", "read"), CONDITIONS, ids=[f"{row[0]}-{row[2]}" for row in CONDITIONS])
def test_a_condition_on_a_look_up_is_untold_before_it_and_not_false(type_: str, when: str, read: str) -> None:
    assert Conditions(situation(data={})).truth(when)[0] == "untold"


def test_pausing_depends_on_what_runs() -> None:
    assert {row[0] for row in CONDITIONS} == {"support.conversation.failed", "customer.complaint.received"}
