"""A result against a stored one, paired by case. Start with `compare`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from evals.intervals import as_json, mean_spread
from evals.scenarios.grade import Grade
from evals.scenarios.report import VERSION, Report


class StoredGrade(BaseModel):
    """One row of a stored result's `results`."""

    case: str
    world: str
    arm: str
    grade: Grade


class Stored(BaseModel):
    """What is read of a stored result; the rest may stand beside it."""

    segue_eval: Literal["scenarios"]
    version: int
    results: list[StoredGrade]


class BaselineError(Exception):
    """A stored result cannot be compared with; says why."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One arm against a stored result, over the cases that both played."""

    arm: str
    measure: str
    cases: int
    difference: float
    low: float
    high: float
    worse: tuple[str, ...]
    """Cases that got worse."""

    @property
    def is_drop(self) -> bool:
        """Whether the whole interval lies on the bad side."""
        return self.high < 0

    def as_json(self) -> dict[str, Any]:
        """As the report shows it."""
        return {
            "arm": self.arm,
            "measure": self.measure,
            "cases": self.cases,
            "difference": round(self.difference, 4),
            "low": as_json(self.low, 4),
            "high": as_json(self.high, 4),
            "drop": self.is_drop,
            "worse": list(self.worse),
        }


def read_baseline(path: Path) -> Stored:
    """A stored result. Raises `BaselineError`."""
    try:
        stored = Stored.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BaselineError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BaselineError(
            f"{path} is no result of `segue eval scenarios --json` (see {where or 'the top'!r})."
        ) from error
    if stored.version != VERSION:
        raise BaselineError(f"{path} has version {stored.version}; this Segue compares version {VERSION}.")
    return stored


def compare(report: Report, stored: Stored) -> list[Change]:
    """By arm: cases solved, and cases without a wrong change, each paired by case, with the 95 % interval."""
    before = {(one.arm, one.world, one.case): one.grade for one in stored.results}
    changes: list[Change] = []
    for arm in report.arms:
        pairs = [
            (one.case, before[arm.name, one.world, one.case], one.graded.grade)
            for one in report.played
            if one.arm == arm.name and (arm.name, one.world, one.case) in before
        ]
        if pairs:
            changes.append(_change(arm.name, "solved", [(c, b == "solved", n == "solved") for c, b, n in pairs]))
            changes.append(_change(arm.name, "not wrong", [(c, b != "wrong", n != "wrong") for c, b, n in pairs]))
    return changes


def _change(arm: str, measure: str, pairs: Sequence[tuple[str, bool, bool]]) -> Change:
    differences = [float(now) - float(before) for _, before, now in pairs]
    spread, mean = mean_spread(differences), fmean(differences)
    return Change(
        arm=arm,
        measure=measure,
        cases=len(pairs),
        difference=mean,
        low=mean - spread,
        high=mean + spread,
        worse=tuple(case for case, before, now in pairs if before and not now),
    )
