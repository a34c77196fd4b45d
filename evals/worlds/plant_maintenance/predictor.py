"""The failure predictor: two models of scikit-learn, trained on simulated streams at first use. Start with `Predictor`.

`python -m evals.worlds.plant_maintenance.predictor` prints how well it does on streams it was not trained on.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.worlds.plant_maintenance.catalogue import BY_FAMILY, FAMILIES, KINDS, SENSORS
from evals.worlds.plant_maintenance.sensors import WELL, WINDOW_H, Array, Condition, shaped, traits

WELL_LABEL = "none"
TRAINING, HELD_OUT = 20_260, 20_261
"""Seeds of the streams to learn from and of those to be judged by."""
EXAMPLES, JUDGED = 1_600, 800
ALARM_FROM = 0.5
"""Probability of a failure from which the machine is reported."""
MOST_H = 400.0


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model makes of a stream."""

    probability: float
    """That the machine wears out at all."""
    part_family: str | None
    """The part that has to be replaced; None where no failure is expected."""
    fault_mode: str | None
    hours_left: float | None

    @property
    def expected(self) -> bool:
        """Whether a failure is expected."""
        return self.part_family is not None


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Simulated windows with what was true of them."""

    traits: Array
    labels: NDArray[Any]
    hours_left: Array


class Predictor:
    """Which part wears out (logistic regression) and how long it lasts (ridge regression on the log of the hours)."""

    def predict(self, rows: Array, kind: str) -> Prediction:
        """Read one window of readings."""
        seen = traits(rows, kind)[None, :]
        by_label = dict(zip(self._which.classes_, self._which.predict_proba(seen)[0].tolist(), strict=True))
        probability = 1.0 - by_label.pop(WELL_LABEL)
        if probability < ALARM_FROM:
            return Prediction(probability=round(probability, 3), part_family=None, fault_mode=None, hours_left=None)
        family = str(max(by_label, key=lambda label: by_label[label]))
        hours = min(MOST_H, math.exp(float(self._how_long.predict(_with_label(seen, [family]))[0])))
        return Prediction(
            probability=round(probability, 3),
            part_family=family,
            fault_mode=BY_FAMILY[family].mode,
            hours_left=round(hours, 1),
        )

    def judged(self, seed: int = HELD_OUT, n: int = JUDGED) -> dict[str, float]:
        """How well it does on streams of another seed, beside guessing the commonest answer."""
        examples = simulated(seed, n)
        told = self._which.predict(examples.traits)
        worn = examples.labels != WELL_LABEL
        hours = np.exp(self._how_long.predict(_with_label(examples.traits[worn], examples.labels[worn])))
        _, counts = np.unique(examples.labels, return_counts=True)
        return {
            "streams": n,
            "right_part": round(float((told == examples.labels).mean()), 4),
            "right_by_guessing": round(float(counts.max() / n), 4),
            "failures_found": round(float((told[worn] != WELL_LABEL).mean()), 4),
            "false_alarms": round(float((told[~worn] != WELL_LABEL).mean()), 4),
            "hours_off": round(float(np.abs(hours - examples.hours_left[worn]).mean()), 1),
            "hours_off_by_guessing": round(
                float(np.abs(np.median(examples.hours_left[worn]) - examples.hours_left[worn]).mean()), 1
            ),
        }

    def warm_up(self) -> None:
        """Train now rather than at the first question."""
        _ = self._which, self._how_long

    @cached_property
    def _learned_from(self) -> Examples:
        return simulated(TRAINING, EXAMPLES)

    @cached_property
    def _which(self) -> Any:
        # Imported only where it is trained: the library takes seconds to load.
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=400).fit(self._learned_from.traits, self._learned_from.labels)

    @cached_property
    def _how_long(self) -> Any:
        from sklearn.linear_model import Ridge

        examples = self._learned_from
        worn = examples.labels != WELL_LABEL
        seen = _with_label(examples.traits[worn], examples.labels[worn])
        return Ridge(alpha=1.0).fit(seen, np.log(examples.hours_left[worn]))


@cache
def shared_predictor() -> Predictor:
    """One for the process: it is the same in every world."""
    return Predictor()


def simulated(seed: int, n: int) -> Examples:
    """Windows of machines of every kind, a quarter of them well, the others between first trace and failure."""
    random = np.random.default_rng(seed)
    rows: list[Array] = []
    labels: list[str] = []
    hours_left: list[float] = []
    for _ in range(n):
        kind = KINDS[random.integers(len(KINDS))]
        family = None if random.random() < 0.25 else FAMILIES[random.integers(len(FAMILIES))]
        condition = WELL
        if family is not None:
            condition = Condition(
                part_family=family, wear=float(random.uniform(0.4, 0.98)), life_h=float(random.uniform(150.0, 260.0))
            )
        noise = random.standard_normal((WINDOW_H, len(SENSORS)))
        rows.append(traits(shaped(noise, kind, condition), kind))
        labels.append(family or WELL_LABEL)
        hours_left.append((1.0 - condition.wear) * condition.life_h)
    return Examples(traits=np.array(rows), labels=np.array(labels), hours_left=np.array(hours_left))


def _with_label(seen: Array, labels: Any) -> Array:
    """Traits with the family and, per family, the size of its trace: how far a trace has come differs by fault."""
    which = np.array([[label == family for family in FAMILIES] for label in labels], dtype=float)
    size = np.abs(seen).reshape(len(seen), 3, -1).sum(axis=2)
    return np.hstack([seen, np.log1p(size), which, which * size[:, :1], which * size[:, 1:2]])


if __name__ == "__main__":
    print(json.dumps(shared_predictor().judged(), indent=2))
