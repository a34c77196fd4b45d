"""CLINC150 as a stream: `python -m evals.stream.clinc FOLDER OUT` writes OUT/tools.json and OUT/queries.csv.

FOLDER holds the published `data_full.json` and `domains.json`. A tool is an intent, described by its name and domain:
the data has no other words for it. What is out of scope has no tool.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

PARTS = ("train", "val", "test", "oos_train", "oos_val", "oos_test")
OUT_OF_SCOPE = "oos"


def convert(folder: Path, out: Path) -> int:
    """The number of queries written. Raises `OSError`, and `ValueError` for files of another form."""
    domains = json.loads((folder / "domains.json").read_text(encoding="utf-8"))
    data = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
    try:
        domain = {intent: name for name, intents in domains.items() for intent in intents}
        rows = [(text, "" if intent == OUT_OF_SCOPE else intent) for part in PARTS for text, intent in data[part]]
        tools = {intent: f"{_words(intent)} ({_words(domain[intent])})" for intent in sorted(domain)}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{folder} does not hold CLINC150 as it is published: {error!r}") from error
    out.mkdir(parents=True, exist_ok=True)
    (out / "tools.json").write_text(json.dumps(tools, indent=1) + "\n", encoding="utf-8")
    with (out / "queries.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Query", "Tool"))
        writer.writerows(rows)
    return len(rows)


def _words(name: str) -> str:
    return name.replace("_", " ")


def main(arguments: list[str]) -> int:
    """Exit code: 2 where it could not be done."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m evals.stream.clinc FOLDER OUT\n")
        return 2
    try:
        done = convert(Path(arguments[0]), Path(arguments[1]))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{done} queries in {arguments[1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
