"""Labelled texts, read from two files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.stream.labelled import Rows, StreamError, read

TOOLS = '{"desk": "Answers customers.", "stock": "Counts parts."}'
QUERIES = "Query,Tool\nWho answers?,desk\nHow many bolts?,stock\nNothing to do here,\n"


def _files(folder: Path, tools: str = TOOLS, queries: str = QUERIES) -> tuple[Path, Path]:
    (folder / "tools.json").write_text(tools, encoding="utf-8")
    (folder / "queries.csv").write_text(queries, encoding="utf-8")
    return folder / "tools.json", folder / "queries.csv"


@pytest.mark.parametrize(
    ("rows", "right"), [("all", ["desk", "stock", ""]), ("even", ["desk", ""]), ("odd", ["stock"])]
)
def test_rows_are_counted_from_nought(tmp_path: Path, rows: Rows, right: list[str]) -> None:
    assert list(read(*_files(tmp_path), rows).right) == right


@pytest.mark.parametrize(
    ("tools", "queries", "said"),
    [
        ("[]", QUERIES, "is no JSON object"),
        ('{"desk": 1, "stock": "x"}', QUERIES, "is no JSON object"),
        ('{"desk": "x"}', QUERIES, "at least two"),
        ('{"desk": "x", " ": "y"}', QUERIES, "without a name"),
        ("{", QUERIES, "cannot be read"),
        (TOOLS, "", "Give the header Query,Tool"),
        (TOOLS, "Text,Label\na,desk\n", "Give the header Query,Tool"),
        (TOOLS, "Query,Tool\nWho?,desk,more\n", "has 3 fields"),
        (TOOLS, "Query,Tool\nWho?,nobody\n", "names the tool 'nobody'"),
        (TOOLS, "Query,Tool\n  ,desk\n", "use 1 to"),
        (TOOLS, f"Query,Tool\n{'x' * 20_000},desk\n", "use 1 to"),
        (TOOLS, 'Query,Tool\n"open,desk\n', "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_with_what_would_be_right(tmp_path: Path, tools: str, queries: str, said: str) -> None:
    with pytest.raises(StreamError, match=said):
        read(*_files(tmp_path, tools, queries), "all")


def test_files_that_are_not_there_or_no_text_are_refused(tmp_path: Path) -> None:
    tools, queries = _files(tmp_path)
    with pytest.raises(StreamError, match="cannot be read"):
        read(tmp_path / "none.json", queries, "all")
    queries.write_bytes(b"Query,Tool\n\xff\xfe,desk\n")
    with pytest.raises(StreamError, match="cannot be read"):
        read(tools, queries, "all")


def test_a_seed_is_a_permutation_of_its_own_and_always_the_same(tmp_path: Path) -> None:
    labelled = read(*_files(tmp_path), "all")
    assert labelled.stream(3, 3) == labelled.stream(3, 3)
    assert sorted(labelled.stream(3, 3)) == [0, 1, 2]
    assert {tuple(labelled.stream(seed, 3)) for seed in range(20)} > {(0, 1, 2)}
    with pytest.raises(StreamError, match="a stream of 4 events needs as many queries; there are 3"):
        labelled.stream(0, 4)
