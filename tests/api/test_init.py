"""`segue init`: a starter that runs, written whole or not at all. The tutorial's test runs it as a server."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.events import RawEvent
from agent.service import GivenAnswer
from agent.wiring import Settings, open_segue
from api.cli import build_cli
from api.starter import FILES
from tests.agent.company import Company, Ledger, embedder


def init(*words: str) -> Result:
    """Run it in this process."""
    return CliRunner().invoke(build_cli(), ["init", *words])


def test_an_empty_folder_gets_the_starter_and_the_next_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = init()
    assert result.exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    for words in ("segue doctor", "segue serve --portfolio portfolio.yaml", "segue send", "segue runs show"):
        assert words in result.stdout
    assert "cd " not in result.stdout


def test_a_folder_is_made_and_named_in_what_is_to_be_done(tmp_path: Path) -> None:
    folder = tmp_path / "my shop" / "segue"
    assert f"cd '{folder}'" in init(str(folder)).stdout
    other = tmp_path / "other"
    assert json.loads(init(str(other), "--json").stdout) == [str(other / name) for name in FILES]


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    result = init(str(tmp_path))
    assert result.exit_code == 1
    assert name in result.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_nothing_is_written_through_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "portfolio.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert init(str(tmp_path)).exit_code == 1
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_what_cannot_be_written_whole_is_not_left_half(tmp_path: Path) -> None:
    command = f"ulimit -f 3; exec {sys.executable} -m api init {tmp_path}/new/shop"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "cannot be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("file", "file/below"):
        result = init(str(tmp_path / folder))
        assert (result.exit_code, "Not a directory" in result.stderr) == (1, True)


async def test_the_starter_sends_a_letter_and_pays_back_only_what_an_operator_approves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert init(str(tmp_path)).exit_code == 0
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shop_tools", raising=False)
    settings = Settings(portfolio=(tmp_path / "portfolio.yaml",), data=tmp_path / "data")
    async with open_segue(settings, None, embedder()) as segue:
        company = Company(segue=segue, ledger=Ledger())
        data = {"order_id": "o-103", "days_late": 9}
        event = RawEvent(source="/tests", id="e-1", type="order.late", subject="cem", time=datetime.now(UTC), data=data)
        (accepted,) = await segue.accept("default", [event])
        assert (await company.ended(accepted.run or ""))["status"] == "waiting"
        assert [kind for kind, _ in done(tmp_path)] == ["letter"]
        approval = await company.approval()
        await segue.answer("default", approval["id"], GivenAnswer(approved=True))
        run = await company.ended(accepted.run or "")
    assert run["status"] == "done"
    assert done(tmp_path)[1] == ("payment", "4.90 euro to cem")
    monkeypatch.delitem(sys.modules, "shop_tools")


def done(folder: Path) -> list[tuple[str, str]]:
    """What the starter's tools have done."""
    shop = sqlite3.connect(folder / "shop.sqlite")
    try:
        return shop.execute("SELECT kind, text FROM done ORDER BY rowid").fetchall()
    finally:
        shop.close()
