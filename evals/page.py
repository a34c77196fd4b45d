"""A report as one HTML page that needs nothing else. Start with `document`.

Light and dark, for a wide window and a phone; nothing is loaded and nothing runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from evals.bench.marks import Mark, measured, verdict

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1d2430;--soft:#5a6475;--rule:#dde2ea;--shade:#f2f4f8;--bad:#b00020;
--c0:#1d2430;--c1:#7a8494;--c2:#0072b2;--c3:#00835f;--c4:#c98500;--c5:#3d9fd8;--c6:#b85c96;--c7:#c24e00}
@media(prefers-color-scheme:dark){:root{--paper:#14181f;--ink:#e6eaf0;--soft:#a3adbc;--rule:#333b48;--shade:#1d232d;
--bad:#ff8a95;--c0:#e6eaf0;--c1:#8b95a5;--c2:#4aa3e0;--c3:#1fb58a;--c4:#e69f00;--c5:#8fd0f5;--c6:#d98fbc;--c7:#f0743a}}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem;background:var(--paper);
color:var(--ink)}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}h3{font-size:1rem;margin:0 0 .25rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid var(--rule);padding:.35rem .5rem;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.n,td:first-child{white-space:nowrap}
.about,.skipped{color:var(--soft)}.failed{color:var(--bad);font-weight:600}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1.5rem}
figure{margin:0;min-width:0;max-width:640px}svg{display:block;width:100%;height:auto}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;list-style:none}.legend svg{display:inline;width:28px}
text{font:13px system-ui,sans-serif;fill:var(--ink)}text.t{fill:var(--soft)}
.rule{stroke:var(--rule)}.zero{stroke:var(--soft)}.shade{fill:var(--shade)}.lead{stroke:var(--k);opacity:.5}
.line{fill:none;stroke:var(--k);stroke-width:1.6;stroke-linejoin:round}.line.main{stroke-width:3}
.band{fill:var(--k);opacity:.13}
circle{fill:var(--k);stroke:transparent;stroke-width:9;pointer-events:all}
.wide+h3,.wide+.plots{margin-top:1rem}
@media(max-width:520px){text{font-size:16px}.marks td:first-child{white-space:normal}}
"""
"""Colours `--c0` to `--c7` after Okabe and Ito; `evals/plots.py` says which line has which."""
STYLE += "".join(f".k{number}{{--k:var(--c{number})}}" for number in range(8))


def document(title: str, about: str, parts: Iterable[str]) -> str:
    """The whole page; `title` and `about` are plain text, `parts` HTML."""
    head = (
        "<meta charset='utf-8'><meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    body = f"<h1>{escape(title)}</h1><p class=about>{escape(about)}</p>{''.join(parts)}"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Plain text in cells: words in the first column, figures in the others."""
    yield "<div class=wide><table><tr>"
    for number, name in enumerate(columns):
        yield f"<th{' class=n' if number else ''}>{escape(name)}</th>"
    yield "</tr>"
    for first, *rest in rows:
        yield f"<tr><td>{escape(first)}</td>{''.join(f'<td class=n>{escape(cell)}</td>' for cell in rest)}</tr>"
    yield "</table></div>"


def marks(found: Iterable[Mark]) -> Iterator[str]:
    """What had to be reached, and whether it was."""
    yield "<h2>Marks</h2><div class=wide><table class=marks><tr><th>mark</th><th>wanted</th><th class=n>measured</th>"
    yield "<th></th></tr>"
    for mark in found:
        yield f"<tr><td>{escape(mark.name)}</td><td>{escape(mark.wanted)}</td><td class=n>{measured(mark)}</td>"
        yield f"<td class={mark.state}>{escape(verdict(mark))}</td></tr>"
    yield "</table></div>"
