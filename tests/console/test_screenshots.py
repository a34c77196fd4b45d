"""`segue console screenshots`, and `segue serve --no-console`."""

from __future__ import annotations

import json
import shutil
import signal
import struct
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import build_cli
from api.console.chromium import find_chromium
from api.terminal import CommandError
from tests.console.served import Parent, Served, open_served


def screenshots(folder: Path, *words: str) -> Result:
    """Run the command in this process."""
    cleared = {"SEGUE_URL": None, "SEGUE_API_KEY": None}
    return CliRunner().invoke(build_cli(), ["console", "screenshots", str(folder), *words], env=cleared)


@pytest.fixture
def _browses() -> None:
    try:
        find_chromium()
    except CommandError as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("_browses")
def test_every_page_is_pictured_in_both_colours_and_both_widths(guarded: Served, tmp_path: Path) -> None:
    run = guarded.handle("customer.wronged", {"message": "i paid twice", "amount": 12})
    assert run["status"] == "waiting"
    result = screenshots(tmp_path / "new", "--url", guarded.url, "--key", guarded.keys["olga"], "--json")
    assert result.exit_code == 0, result.output
    files = [Path(path) for path in json.loads(result.stdout)]
    assert sorted(files) == sorted((tmp_path / "new").iterdir())
    names = {file.name for file in files}
    assert {f"now-{width}-{scheme}.png" for width in (1280, 390) for scheme in ("light", "dark")} <= names
    for file in files:
        content = file.read_bytes()
        width, height = struct.unpack(">II", content[16:24])
        assert (content[:4], str(width)) == (b"\x89PNG", file.stem.split("-")[-2])
        assert height >= 900
    light, dark = ((tmp_path / "new" / f"now-1280-{scheme}.png").read_bytes() for scheme in ("light", "dark"))
    assert light != dark


@pytest.mark.usefixtures("_browses")
def test_a_key_that_lacks_or_is_wrong_is_said(guarded: Served, tmp_path: Path) -> None:
    without = screenshots(tmp_path, "--url", guarded.url)
    assert (without.exit_code, "Give a key with --key" in without.stderr) == (1, True)
    wrong = screenshots(tmp_path, "--url", guarded.url, "--key", "segue_wrong")
    assert (wrong.exit_code, "not known" in wrong.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_browses")
def test_a_segue_without_a_console_serves_the_rest_and_is_told_apart(parent: Parent, tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    with open_served(parent, tmp_path / "served", more=("--no-console",)) as served:
        assert served.ask("GET", "/console/").status_code == 404
        assert served.ask("GET", "/").status_code == 404
        assert served.handle()["status"] == "done"
        result = screenshots(tmp_path / "pictures", "--url", served.url)
        served.end(signal.SIGTERM)
    assert (result.exit_code, "--no-console" in result.stderr) == (1, True)


def test_what_is_needed_and_lacks_is_said_with_how_to_get_it(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    browser = screenshots(tmp_path, "--url", served.url)
    assert (browser.exit_code, "apt-get install chromium" in browser.stderr) == (1, True)
    monkeypatch.delitem(sys.modules, "api.console.chromium")
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    library = screenshots(tmp_path, "--url", served.url)
    assert (library.exit_code, "uv sync --group console" in library.stderr) == (1, True)
