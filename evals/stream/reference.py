"""The plain formula, told the right tool after every event: a ceiling that stays where it is. Start with `Reference`.

Constants are those it was first tried with: kappa 1, s0 0.4, h 0.2, weight 5, k 30, a softmax of cosines over 0.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KAPPA, S0, H, WEIGHT, K, TEMPERATURE = 1.0, 0.4, 0.2, 5.0, 30, 0.1


class Reference:
    """Knows every earlier text with its right tool. Tools are rows of `described`, unit vectors of descriptions."""

    def __init__(self, described: NDArray[np.float32], events: int) -> None:
        self._described = described
        self._vectors = np.empty((events, described.shape[1]), np.float32)
        self._tools = np.empty(events, np.intp)
        self._known = 0

    def decide(self, vector: NDArray[np.float32]) -> int:
        """Row of the tool with the highest score."""
        powers = np.exp((self._described @ vector) / TEMPERATURE)
        prior = powers / powers.sum()
        cosines = self._vectors[: self._known] @ vector
        near = np.argsort(-cosines, kind="stable")[:K]
        near = near[cosines[near] >= S0]
        success = np.zeros(len(prior))
        np.add.at(success, self._tools[near], WEIGHT * np.exp((cosines[near] - 1.0) / H))
        return int(np.argmax((KAPPA * prior + success) / (KAPPA + success)))

    def learn(self, vector: NDArray[np.float32], tool: int) -> None:
        """The tool was right for the text."""
        self._vectors[self._known], self._tools[self._known] = vector, tool
        self._known += 1
