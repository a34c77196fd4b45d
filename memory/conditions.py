"""Conditions of rules: found among episodes, and held against a situation. Start with `candidates`, then `fits`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from memory.lesson_settings import LessonSettings
from memory.types import Condition, Feature

Mask = NDArray[np.bool_]
_NUMBERS = (int, float)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Conditions that all hold, and for which of some episodes they do."""

    all: tuple[Condition, ...]
    mask: Mask


def fits(conditions: Sequence[Condition], features: Mapping[str, Feature], closeness: Mapping[str, float]) -> bool:
    """Whether all hold in a situation; `closeness`: cosines of its text to those of episodes. What is missing fails."""
    return all(
        closeness.get(str(one.value), -1.0) >= one.least
        if one.what == "like"
        else one.feature in features and _holds(one, features[one.feature])
        for one in conditions
    )


def candidates(
    features: Sequence[Mapping[str, Feature]], clusters: Sequence[Conditions], settings: LessonSettings
) -> list[Conditions]:
    """No condition, each single one that enough episodes meet and not all, and pairs of two features.

    Beyond `most_conditions` those that split the episodes least evenly are left out.
    """
    everywhere = Conditions(all=(), mask=np.ones(len(features), dtype=bool))
    single = [*_singles(features, settings), *clusters]
    single = [one for one in single if settings.fewest <= one.mask.sum() < len(features)]
    single.sort(key=lambda one: (-_evenness(one.mask), told(one.all)))
    single = single[: settings.most_conditions // 2]
    pairs = [
        Conditions(all=tuple(sorted((*one.all, *other.all), key=_order)), mask=one.mask & other.mask)
        for one, other in combinations(single, 2)
        if one.all[0].feature != other.all[0].feature
    ]
    pairs = [
        one
        for one in pairs
        if one.mask.sum() >= settings.fewest and not any((one.mask == s.mask).all() for s in single)
    ]
    pairs.sort(key=lambda one: (-_evenness(one.mask), told(one.all)))
    return [everywhere, *single, *pairs[: settings.most_conditions - len(single)]]


def told(conditions: Sequence[Condition]) -> str:
    """In words: `region is "eu" and amount is at least 120`."""
    return " and ".join(_told(one) for one in conditions)


def mask_of(
    conditions: Sequence[Condition],
    features: Sequence[Mapping[str, Feature]],
    closeness: Sequence[Mapping[str, float]] | None = None,
) -> Mask:
    """For which episodes they hold; `closeness` for each of them, where a condition asks for it."""
    near = closeness or [{}] * len(features)
    return np.array([fits(conditions, own, like) for own, like in zip(features, near, strict=True)], dtype=bool)


def _told(one: Condition) -> str:
    if one.what == "like":
        return f"it is about {', '.join(one.words) or 'the like'}"
    how = {"is": "is", "at_least": "is at least", "below": "is below"}[one.what]
    return f"{one.feature} {how} {_plain(one.value)}"


def _plain(value: Feature) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value if len(value) <= 40 else value[:39] + "…"}"'
    return f"{value:g}"


def _order(one: Condition) -> tuple[str, str, str]:
    return one.feature, one.what, str(one.value)


def _holds(one: Condition, value: Feature) -> bool:
    if one.what == "is":
        return type(value) is type(one.value) and value == one.value
    number, bound = _number(value), _number(one.value)
    if number is None or bound is None:
        return False
    return number >= bound if one.what == "at_least" else number < bound


def _number(value: Feature) -> float | None:
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _singles(features: Sequence[Mapping[str, Feature]], settings: LessonSettings) -> list[Conditions]:
    found: list[Conditions] = []
    for name in sorted({name for own in features for name in own}):
        values = [own.get(name) for own in features]
        kept = [value for value in values if value is not None]
        asked = [*_values(name, kept, settings), *_cuts(name, kept, settings)]
        found += [Conditions(all=(one,), mask=mask_of((one,), features)) for one in asked]
    return found


def _values(name: str, values: Sequence[Feature], settings: LessonSettings) -> list[Condition]:
    """Words and truths; numbers are cut instead."""
    counted = Counter((type(value).__name__, value) for value in values if isinstance(value, str | bool))
    usual = sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))[: settings.most_values]
    return [Condition(what="is", feature=name, value=value) for (_, value), times in usual if times >= settings.fewest]


def _cuts(name: str, values: Sequence[Feature], settings: LessonSettings) -> list[Condition]:
    """Thresholds at quantiles, rounded so that they stay where they are while episodes come."""
    numbers = [number for value in values for number in [_number(value)] if number is not None]
    if len(numbers) < 2 * settings.fewest:
        return []
    shares = np.arange(1, settings.most_cuts + 1) / (settings.most_cuts + 1)
    cuts = sorted({_rounded(float(cut)) for cut in np.quantile(numbers, shares)})
    return [Condition(what=what, feature=name, value=cut) for cut in cuts for what in ("at_least", "below")]


def _rounded(number: float) -> float:
    """To two digits."""
    return float(f"{number:.1e}")


def _evenness(mask: Mask) -> float:
    share = float(mask.mean())
    return share * (1.0 - share)
