"""The graph under the name an `aegra.json` points to; that server loads it from this file."""

from evals.bench.graph import Plainly, build

graph = build(Plainly()).compile()
