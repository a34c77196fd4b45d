"""`docs/tutorial.md`, executed as it is written.

What its fenced blocks mean here, by the words behind the fence:

- `bash` is run by bash in one folder, empty at first, and must succeed; `bash terminal=NAME` runs on in the background,
  and the next block of that terminal ends it with Ctrl-C.
- `text` is what the block before it printed. `...` alone stands for any lines, within a line for any text. Ids are any
  ids, but the same one everywhere; times are any times, decimals are right within 0.02, runs of spaces are one.
- `python file=NAME`, `yaml file=NAME` are written to that file.
- `sh` is not run: it installs, which tests do not.

`uv run` stands for this interpreter's environment; the ports of the document become free ones.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.agent.company import embedding_cache

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
PATIENCE_S = 30.0
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOOKING = re.compile(r"uv run segue (runs|memory) (show|list)\b[^\n&|;]*\n")
"""Such a block changes nothing, so it is run until it shows what it should: outcomes are joined behind the answer."""
PIECES = re.compile(
    r"(?P<any>\.\.\.)|(?P<id>\b[0-9A-Z]{26}\b|\b[0-9a-f]{32}\b)|(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z)"
    r"|(?P<number>(?<![\d.])\d+\.\d\d(?![\d.]))|(?P<space>[ \t]+)"
)
UV = """#!/bin/sh
# `uv run WORDS`: the words, in the environment of the tests.
[ "$1" = run ] || exit 2
shift
case "$1 $2" in
  "segue serve") set -- "$@" --port "$TUTORIAL_PORT" ;;
  "segue doctor") unset SEGUE_URL ;;
esac
exec "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of the document."""

    kind: str
    words: str
    text: str
    line: int
    printed: str | None
    """What the `text` block behind it shows."""

    def named(self, word: str) -> str | None:
        """The value of `word=value` behind the fence."""
        found = re.search(rf"\b{word}=(\S+)", self.words)
        return found[1] if found else None


def read_blocks(document: str) -> list[Block]:
    """The blocks in order; each `text` block belongs to the one before it."""
    found = list(BLOCK.finditer(document))
    blocks = []
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block[1] == "text":
            continue
        printed = after[3] if after is not None and after[1] == "text" else None
        line = document.count("\n", 0, block.start()) + 1
        blocks.append(Block(kind=block[1], words=block[2], text=block[3], line=line, printed=printed))
    return blocks


@dataclass
class Ids:
    """The ids that stand for those in the document, as far as they were seen."""

    known: dict[str, str] = field(default_factory=dict)

    def put(self, text: str) -> str:
        """A command of the document with the ids there really are."""
        for written, real in self.known.items():
            text = text.replace(written, real)
        return text

    def matches(self, written: str, printed: str) -> bool:
        """Whether this was printed; new ids are known from then on."""
        numbers: list[float] = []
        groups: dict[str, str] = {}
        pattern = "".join(self._line(line, groups, numbers) for line in written.splitlines())
        found = re.fullmatch(pattern, "".join(f"{' '.join(line.split())}\n" for line in printed.splitlines()))
        if found is None:
            return False
        if any(abs(float(found[f"n{place}"]) - number) > 0.021 for place, number in enumerate(numbers)):
            return False
        self.known |= {id: found[group] for id, group in groups.items()}
        return True

    def _line(self, line: str, groups: dict[str, str], numbers: list[float]) -> str:
        if line.strip() == "...":
            return r"(?:[^\n]*\n)*?"
        pattern, end = "", 0
        line = line.strip()
        for piece in PIECES.finditer(line):
            pattern += re.escape(line[end : piece.start()]) + self._piece(piece, groups, numbers)
            end = piece.end()
        return f"{pattern}{re.escape(line[end:])}\\n"

    def _piece(self, piece: re.Match[str], groups: dict[str, str], numbers: list[float]) -> str:
        match piece.lastgroup:
            case "any":
                return r"[^\n]*"
            case "time":
                return r"\d{4}-\d\d-\d\dT[\d:.]+Z"
            case "space":
                return " "
            case "number":
                numbers.append(float(piece[0]))
                return rf"(?P<n{len(numbers) - 1}>\d+\.\d\d)"
        if piece[0] in self.known:
            return re.escape(self.known[piece[0]])
        if piece[0] in groups:
            return f"(?P={groups[piece[0]]})"
        groups[piece[0]] = f"id{len(groups)}"
        return f"(?P<{groups[piece[0]]}>[0-9A-Za-z]{{{len(piece[0])}}})"


class Reader:
    """Does what the document says, in one folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._ids = Ids()
        self._terminals: dict[str, subprocess.Popen[str]] = {}

    def do(self, block: Block) -> None:
        """One block; a failed assertion names its line."""
        file, terminal = block.named("file"), block.named("terminal")
        if file is not None:
            (self._folder / file).write_text(block.text)
        elif block.kind == "bash" and terminal is not None:
            self._start(block, terminal)
        elif block.kind == "bash":
            self._run(block)
        else:
            assert block.kind == "sh", f"line {block.line}: nobody runs a block of {block.kind!r}"

    def close(self) -> None:
        """End what still runs."""
        for terminal in list(self._terminals):
            self._end(terminal)

    def _run(self, block: Block) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            done = subprocess.run(
                self._command(block),
                cwd=self._folder,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=2 * PATIENCE_S,
            )
            if done.returncode == 0 and (block.printed is None or self._ids.matches(block.printed, done.stdout)):
                return
            again = done.returncode == 0 and LOOKING.fullmatch(block.text) and time.monotonic() < until
            assert again, f"line {block.line}: exit code {done.returncode}\n{block.text}\n{done.stdout}"

    def _start(self, block: Block, terminal: str) -> None:
        """Start it, and read on until it has printed what the document shows."""
        self._end(terminal)
        process = subprocess.Popen(
            self._command(block),
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._terminals[terminal] = process
        assert process.stdout is not None
        assert block.printed is not None, f"line {block.line}: what shows that it is ready?"
        printed = ""
        # Ends the wait for a line that does not come.
        watch = threading.Timer(PATIENCE_S, os.killpg, (process.pid, signal.SIGKILL))
        watch.start()
        try:
            while not self._ids.matches(block.printed, printed):
                line = process.stdout.readline()
                assert line, f"line {block.line}: it ended\n{block.text}\n{printed}"
                printed += line
        finally:
            watch.cancel()

    def _end(self, terminal: str) -> None:
        """Ctrl-C, to what this terminal started and nothing else."""
        process = self._terminals.pop(terminal, None)
        if process is None:
            return
        with process:
            try:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGINT)
                process.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise

    def _command(self, block: Block) -> list[str]:
        return ["bash", "-euo", "pipefail", "-c", self._ids.put(block.text)]


@contextmanager
def reader(folder: Path, port: int) -> Iterator[Reader]:
    """In an empty folder, with `uv` as described above, and nothing of Segue in the environment."""
    beside, home = folder / "bin", folder / "shop"
    for path in (beside, home):
        path.mkdir()
    (beside / "uv").write_text(UV)
    (beside / "uv").chmod(0o755)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("SEGUE_", "OPENAI_", "PYTHON"))
    } | {
        "PATH": os.pathsep.join([str(beside), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "SEGUE_CACHE": str(embedding_cache()),
        "SEGUE_URL": f"http://127.0.0.1:{port}",
        "TUTORIAL_PORT": str(port),
    }
    made = Reader(home, environment)
    try:
        yield made
    finally:
        made.close()


def free_ports(number: int) -> list[int]:
    """Ports nobody listens on."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    port, other = free_ports(2)
    document = TUTORIAL.read_text().replace("8800", str(port)).replace("9000", str(other))
    blocks = read_blocks(document)
    with reader(tmp_path, port) as made:
        for block in blocks:
            made.do(block)
    assert [block.named("file") for block in blocks if block.named("file")] == ["vouchers.py", "vouchers.yaml"]


@pytest.mark.parametrize(
    ("written", "printed", "holds"),
    [
        ("a  b 0.50\n", "a b 0.51\n", True),
        ("a b 0.50\n", "a b 0.55\n", False),
        ("first\n...\nlast\n", "first\n1\n2\nlast\n", True),
        ("first\nlast\n", "first\n1\nlast\n", False),
        ("in ... place\n", "in any place\n", True),
        ("run 01M896YPXR2Y9JX0D0RZY7CFGG\n", "run 01AAAAAAAAAAAAAAAAAAAAAAAA\n", True),
        (
            "01M896YPXR2Y9JX0D0RZY7CFGG 01M896YPXR2Y9JX0D0RZY7CFGG\n",
            "01AAAAAAAAAAAAAAAAAAAAAAAA 01BBBBBBBBBBBBBBBBBBBBBBBB\n",
            False,
        ),
    ],
)
def test_what_is_printed_is_held_against_what_is_shown(written: str, printed: str, holds: bool) -> None:
    assert Ids().matches(written, printed) is holds


def test_an_id_of_the_document_is_the_real_one_from_then_on() -> None:
    ids = Ids()
    assert ids.matches("run 01M896YPXR2Y9JX0D0RZY7CFGG\n", "run 01AAAAAAAAAAAAAAAAAAAAAAAA\n")
    assert ids.put("segue runs show 01M896YPXR2Y9JX0D0RZY7CFGG") == "segue runs show 01AAAAAAAAAAAAAAAAAAAAAAAA"
    assert not ids.matches("run 01M896YPXR2Y9JX0D0RZY7CFGG\n", "run 01BBBBBBBBBBBBBBBBBBBBBBBB\n")
