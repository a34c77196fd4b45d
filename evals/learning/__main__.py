"""`python -m evals.learning [--events 100] [--seeds 3]`: what a scripted model gains by what it is shown."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from statistics import fmean

from agent.directory import cache_dir
from evals.learning.shown import Figures, measure
from memory.embedding import Embedder


async def main(events: int, seeds: int) -> None:
    """Play every seed and print the means of each arm."""
    played: dict[str, list[Figures]] = {}
    with tempfile.TemporaryDirectory() as folder:
        embedder = Embedder.open(cache_dir(os.environ, Path(folder)))
        for seed in range(seeds):
            for one in await measure(seed, events, Path(folder) / str(seed), embedder):
                played.setdefault(one.arm, []).append(one)
            sys.stderr.write(f"seed {seed} is played\n")
    for arm, found in played.items():
        sys.stdout.write(
            f"{arm}: success {fmean(one.success for one in found):.1%}, "
            f"second half {fmean(one.second_half for one in found):.1%}, "
            f"system message {fmean(one.tokens for one in found):.0f} tokens on average, "
            f"{max(one.most_tokens for one in found):.0f} at most; lessons in the end "
            f"{fmean(len(one.lessons_in_the_end) for one in found):.1f}, "
            f"helped {sum(one.helped for one in found)}, hurt {sum(one.hurt for one in found)}\n"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(main(given.events, given.seeds))
