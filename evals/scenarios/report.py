"""The result of a suite: shares with intervals, and the marks. Start with `Report`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evals.check import Check
from evals.intervals import share_interval
from evals.scenarios.arms import Arm
from evals.scenarios.case import Case
from evals.scenarios.play import Played

VERSION = 1


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
        low, high = share_interval(self.solved, self.cases)
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

    def marks(self) -> list[Check]:
        """Errors and controls, then, where the Planner decides, what it must reach."""
        errors = [one for one in self.played if one.graded.grade == "error"]
        first = f": {errors[0].case} in {errors[0].arm}: {'; '.join(errors[0].graded.reasons)}" if errors else ""
        marks = [Check(name="no case failed on infrastructure", passed=not errors, detail=f"{len(errors)} did{first}")]
        marks += self._control_marks()
        return marks + (self._planner_marks() if self.decider == "planner" else [])

    def _control_marks(self) -> list[Check]:
        marks = []
        idle, right = self.of("nothing", acting=True), self.of("oracle")
        if idle.cases:
            name, detail = "doing nothing solves no case that must act", f"{idle.solved} of {idle.cases}"
            marks.append(Check(name=name, passed=not idle.solved, detail=detail))
        if right.cases:
            detail = f"{right.solved} of {right.cases}"
            marks.append(Check(name="the oracle solves all", passed=right.solved == right.cases, detail=detail))
        return marks

    def _planner_marks(self) -> list[Check]:
        marks = []
        with_playbooks, among_others = self.of("playbooks"), self.of("distractors")
        bare, learned = self.of("bare"), self.of("learned")
        if with_playbooks.cases:
            marks.append(_at_least("with playbooks", with_playbooks.share, 0.9))
        if with_playbooks.cases and among_others.cases:
            lost = with_playbooks.share - among_others.share
            detail = f"{100 * lost:+.1f} points less"
            marks.append(Check(name="distractors cost at most 5 points", passed=lost <= 0.05, detail=detail))
        if bare.cases:
            right = (bare.solved + bare.asked) / bare.cases
            detail = f"{bare.wrong} cases"
            marks.append(Check(name="without playbooks no wrong change", passed=not bare.wrong, detail=detail))
            marks.append(_at_least("without playbooks, solved or asked,", right, 0.4))
        if learned.cases:
            marks.append(_at_least("after 200 episodes", learned.share, 0.7))
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


def _at_least(what: str, share: float, mark: float) -> Check:
    return Check(name=f"{what} at least {mark:.0%}", passed=share >= mark, detail=f"{share:.1%}")
