"""How it went when runs did as episodes say, for all episodes in one pass over the runs. Start with `Uses`.

It goes by the same as `segue memory show EPISODE`: a use is a run and an action that the episode was evidence about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from agent.store.credits import UsedBy
from agent.stories import GOOD, spoken
from memory.rewards import combined
from memory.tidying import Credit
from memory.types import Episode


class Uses:
    """Counts of some runs."""

    def __init__(self, goals: Mapping[str, float]) -> None:
        self._goals = goals
        self._counts: Counter[tuple[str, str, bool, bool]] = Counter()
        """By episode, action, whether the run took the action, whether it went well; graded runs alone."""
        self._graded = self._bad = 0
        self.used: set[str] = set()
        """Episodes that were evidence at all."""

    @property
    def usual(self) -> float:
        """Share of the graded runs that went badly."""
        return self._bad / max(1, self._graded)

    def count(self, runs: Iterable[UsedBy]) -> None:
        """Take these into account."""
        for run in runs:
            self.used.update(name for name, _ in run.about)
            reward = combined(run.rewards, self._goals)
            if reward is not None:
                well = reward >= GOOD
                self._graded += 1
                self._bad += not well
                self._counts.update((name, action, action in run.taken, well) for name, action in run.about)

    def often(self, least: int) -> Sequence[str]:
        """Episodes that were evidence in at least so many graded runs, each action counted."""
        total: Counter[str] = Counter()
        for (name, _, _, _), number in self._counts.items():
            total[name] += number
        return sorted(name for name, number in total.items() if number >= least)

    def credit(self, episode: Episode) -> Credit:
        """How it went when runs did as the episode says by now."""
        said = spoken(episode, self._goals)
        return Credit(
            helped=sum(self._counts[episode.id, action, advice, True] for action, advice in said.items()),
            hurt=sum(self._counts[episode.id, action, advice, False] for action, advice in said.items()),
        )
