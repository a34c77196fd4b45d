"""The result of a suite: shares with intervals, and the marks. Start with `Report`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evals.scenarios.arms import Arm
from evals.scenarios.case import Case
from evals.scenarios.play import Played

VERSION = 1
Z = 1.96


@dataclass(frozen=True, kw_only=True)
class Tally:
    """One arm over some cases."""

    cases: int
    solved: int
    asked: int
    unsolved: int
    wrong: int
    errors: int

    @property
    def share(self) -> float:
        """Of cases solved."""
        return self.solved / self.cases if self.cases else 0.0

    def as_json(self) -> dict[str, Any]:
        """Counts, share and its 95 % interval."""
        low, high = wilson(self.solved, self.cases)
        counts = {
            "cases": self.cases,
            "solved": self.solved,
            "asked": self.asked,
            "unsolved": self.unsolved,
            "wrong": self.wrong,
            "errors": self.errors,
        }
        return {**counts, "share": round(self.share, 4), "low": round(low, 4), "high": round(high, 4)}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something that must be so, and what was measured."""

    name: str
    passed: bool
    detail: str

    def as_json(self) -> dict[str, Any]:
        """As the report shows it."""
        return {"name": self.name, "passed": self.passed, "detail": self.detail}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a suite found. Equal results give equal JSON: no times, no addresses."""

    decider: str
    cases: Sequence[Case]
    arms: Sequence[Arm]
    played: Sequence[Played]

    def of(self, arm: str, kind: str | None = None, *, acting: bool | None = None) -> Tally:
        """The tally of an arm, of cases of one kind, of those that must act or must not."""
        wanted = {
            (case.world, case.name)
            for case in self.cases
            if (kind is None or kind in case.kinds) and (acting is None or case.acts == acting)
        }
        grades = [one.graded.grade for one in self.played if one.arm == arm and (one.world, one.case) in wanted]
        return Tally(
            cases=len(grades),
            solved=grades.count("solved"),
            asked=grades.count("asked"),
            unsolved=grades.count("unsolved"),
            wrong=grades.count("wrong"),
            errors=grades.count("error"),
        )

    @property
    def names(self) -> frozenset[str]:
        """Names of the arms played."""
        return frozenset(arm.name for arm in self.arms)

    def marks(self) -> list[Mark]:
        """Errors and controls, then, where the Planner decides, what it must reach."""
        errors = [one for one in self.played if one.graded.grade == "error"]
        first = f": {errors[0].case} in {errors[0].arm}: {'; '.join(errors[0].graded.reasons)}" if errors else ""
        marks = [Mark(name="no case failed on infrastructure", passed=not errors, detail=f"{len(errors)} did{first}")]
        marks += self._control_marks()
        return marks + (self._planner_marks() if self.decider == "planner" else [])

    def _control_marks(self) -> list[Mark]:
        marks = []
        if "nothing" in self.names:
            idle = self.of("nothing", acting=True)
            detail = f"{idle.solved} of {idle.cases}"
            marks.append(Mark(name="doing nothing solves no case that must act", passed=not idle.solved, detail=detail))
        if "oracle" in self.names:
            right = self.of("oracle")
            detail = f"{right.solved} of {right.cases}"
            marks.append(Mark(name="the oracle solves all", passed=right.solved == right.cases, detail=detail))
        return marks

    def _planner_marks(self) -> list[Mark]:
        marks = []
        if "playbooks" in self.names:
            share = self.of("playbooks").share
            marks.append(Mark(name="with playbooks at least 90 %", passed=share >= 0.9, detail=f"{share:.1%}"))
        if {"playbooks", "distractors"} <= self.names:
            lost = self.of("playbooks").share - self.of("distractors").share
            detail = f"{100 * lost:+.1f} points less"
            marks.append(Mark(name="distractors cost at most 5 points", passed=lost <= 0.05, detail=detail))
        if "bare" in self.names:
            bare = self.of("bare")
            right = (bare.solved + bare.asked) / max(1, bare.cases)
            marks.append(
                Mark(name="without playbooks no wrong change", passed=not bare.wrong, detail=f"{bare.wrong} cases")
            )
            marks.append(
                Mark(name="without playbooks at least 40 % solved or asked", passed=right >= 0.4, detail=f"{right:.1%}")
            )
        if "learned" in self.names:
            share = self.of("learned").share
            marks.append(Mark(name="after 200 episodes at least 70 %", passed=share >= 0.7, detail=f"{share:.1%}"))
        return marks

    def as_json(self) -> dict[str, Any]:
        """The versioned form that `--baseline` reads."""
        kinds = sorted({kind for case in self.cases for kind in case.kinds})
        return {
            "segue_eval": "scenarios",
            "version": VERSION,
            "decider": self.decider,
            "cases": len(self.cases),
            "worlds": sorted({case.world for case in self.cases}),
            "arms": [
                {
                    "arm": arm.name,
                    "meaning": arm.meaning,
                    **self.of(arm.name).as_json(),
                    "by_kind": {kind: self.of(arm.name, kind).as_json() for kind in kinds},
                }
                for arm in self.arms
            ],
            "marks": [mark.as_json() for mark in self.marks()],
            "results": [
                {
                    "case": one.case,
                    "world": one.world,
                    "arm": one.arm,
                    "grade": one.graded.grade,
                    "reasons": list(one.graded.reasons),
                }
                for one in self.played
            ],
        }


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927)."""
    if not trials:
        return 0.0, 1.0
    share, z2 = successes / trials, Z * Z
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = Z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return max(0.0, centre - spread), min(1.0, centre + spread)
