"""A season report in words. Start with `told`."""

from __future__ import annotations

from evals.seasons.season import Difference, SeasonReport, Share


def told(report: SeasonReport) -> str:
    """What `segue eval season` prints."""
    held = (f"{'held' if held else 'MISSED'}: {name.replace('_', ' ')}" for name, held in report.marks.items())
    return "\n".join(
        (
            f"{len(report.seeds)} seeds, {report.events} predicted failures each; the second half of each season:",
            *(_difference(one) for one in report.differences),
            _share(report.late, "it is late with"),
            _share(report.others, "it is not late with"),
            f"{report.runs} runs, {report.undone} of them did not end by themselves",
            *held,
        )
    )


def _difference(one: Difference) -> str:
    return (
        f"{one.measure.replace('_', ' ')} per failure: {one.no_memory:.2f} without memory, {one.memory:.2f} with it; "
        f"difference {one.difference:+.2f}, 95 % interval {one.low:+.2f} to {one.high:+.2f}"
    )


def _share(share: Share, parts: str) -> str:
    return (
        f"late supplier's share of the orders for parts {parts}: {_percent(share.no_memory)} without memory, "
        f"{_percent(share.memory)} with it; {_percent(share.reversed)} with the weights of uptime and cost exchanged"
    )


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"
