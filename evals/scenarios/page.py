"""The result as one HTML page that needs nothing else. Start with `write_page`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from evals.intervals import share_interval
from evals.scenarios.compare import Change
from evals.scenarios.report import Report

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem;color:#1d2430}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #dde2ea;padding:.35rem .5rem;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.solved{background:#d9f2e0}.asked{background:#fdf3cf}.unsolved{background:#f3e3e3}.wrong{background:#f6b9b9}
.error{background:#3a3a3a;color:#fff}.about{color:#5a6475}.bad{color:#b00020;font-weight:600}
details summary{cursor:pointer;white-space:nowrap}small{color:#5a6475}
"""


def write_page(report: Report, changes: Sequence[Change], folder: Path) -> Path:
    """`index.html` in the folder, which is made if need be. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    body = "".join((*_arms(report), *_marks(report, changes), *_cases(report)))
    head = f"<meta charset='utf-8'><title>Segue scenarios</title><style>{STYLE}</style>"
    path.write_text(f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>", encoding="utf-8")
    return path


def _arms(report: Report) -> Iterator[str]:
    yield f"<h1>{len(report.cases)} cases, decided by {escape(report.decider)}</h1><table><tr>"
    for name in ("arm", "what it is", "solved", "95 %", "asked", "unsolved", "wrong", "error"):
        yield f"<th>{name}</th>"
    yield "</tr>"
    for arm in report.arms:
        tally = report.of(arm.name)
        low, high = share_interval(tally.solved, tally.cases)
        yield f"<tr><td>{escape(arm.name)}</td><td>{escape(arm.meaning)}</td><td class=n>{tally.share:.0%}</td>"
        yield f"<td class=n>{low:.0%} to {high:.0%}</td>"
        for count in (tally.asked, tally.unsolved, tally.wrong, tally.errors):
            yield f"<td class=n>{count}</td>"
        yield "</tr>"
    yield "</table>"


def _marks(report: Report, changes: Sequence[Change]) -> Iterator[str]:
    yield "<h2>Marks</h2><ul>"
    for mark in report.marks():
        said = "holds" if mark.passed else "<span class=bad>missed</span>"
        yield f"<li>{escape(mark.name)}: {said} <small>{escape(mark.detail)}</small></li>"
    yield "</ul>"
    if changes:
        yield "<h2>Against the baseline</h2><ul>"
        for change in changes:
            said = f"{change.difference:+.1%} ({change.low:+.1%} to {change.high:+.1%})"
            drop = " <span class=bad>drop</span>" if change.is_drop else ""
            worse = f" <small>worse: {escape(', '.join(change.worse))}</small>" if change.worse else ""
            yield f"<li>{escape(change.arm)}, {escape(change.measure)}: {said}{drop}{worse}</li>"
        yield "</ul>"


def _cases(report: Report) -> Iterator[str]:
    graded = {(one.world, one.case, one.arm): one.graded for one in report.played}
    yield "<h2>Cases</h2><table><tr><th>case</th>"
    for arm in report.arms:
        yield f"<th>{escape(arm.name)}</th>"
    yield "</tr>"
    for case in report.cases:
        yield f"<tr><td><b>{escape(case.name)}</b> <small>{escape(case.world)}: {escape(', '.join(case.kinds))}</small>"
        yield f"<div class=about>{escape(case.about)}</div></td>"
        for arm in report.arms:
            one = graded[case.world, case.name, arm.name]
            reasons = "".join(f"<div><small>{escape(reason)}</small></div>" for reason in one.reasons)
            shown = f"<details><summary>{one.grade}</summary>{reasons}</details>" if reasons else one.grade
            yield f"<td class={one.grade}>{shown}</td>"
        yield "</tr>"
    yield "</table>"
