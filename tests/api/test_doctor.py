"""`segue doctor`: what it finds, and that it neither changes, nor hangs, nor tells secrets."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agent.directory import LOCK, DataDirectory, documents_in
from agent.store.database import Database
from api.cli import build_cli
from api.doctor import disk, model, sources
from api.doctor.examine import CHECKS, examine
from api.doctor.finding import Check, Finding, Setup
from api.starter import write_starter
from tests.agent.company import embedding_cache
from tests.agent.conftest import postgres_url  # noqa: F401  the fixture
from tests.api.served import Served
from tools.document import DocumentCache, FetchLimits

SECRET = "only-the-environment-knows"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules beside a test's portfolio are that test's own."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def doctor(*words: str, **environment: str) -> Result:
    """The command, in this process."""
    names = ("PORTFOLIO", "DATA", "DATABASE_URL", "MODEL", "URL", "API_KEY")
    cleared: dict[str, str | None] = {f"SEGUE_{name}": None for name in names}
    cache = {"SEGUE_CACHE": str(embedding_cache())}
    return CliRunner().invoke(build_cli(), ["doctor", *words], env=cleared | cache | environment)


def look(check: str, folder: Path, **given: Any) -> list[Finding]:
    """What one check finds."""
    setup: dict[str, Any] = {
        "portfolio": (folder / "portfolio.yaml",),
        "data": folder / "data",
        "database_url": None,
        "model": None,
        "url": None,
        "key": None,
        "environment": {"SEGUE_CACHE": str(embedding_cache())},
    }
    wanted = [one for one in CHECKS if one.name == check]
    return [finding for _, finding in examine(Setup(**(setup | given)), wanted)]


def only(findings: list[Finding]) -> Finding:
    """The one there is."""
    (finding,) = findings
    return finding


def portfolio(folder: Path, sources: str) -> None:
    """A portfolio with these sources."""
    (folder / "portfolio.yaml").write_text(f"segue: 1\nsources:\n{sources}")


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below, with its size and when it was changed."""
    paths = sorted(folder.rglob("*"))
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that says this to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_starter_is_well_and_nothing_is_changed(tmp_path: Path) -> None:
    write_starter(tmp_path)
    before = tree(tmp_path)
    words = ("--portfolio", str(tmp_path / "portfolio.yaml"), "--data", str(tmp_path / "data"))
    result = doctor(*words, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    names = ["configuration", "tools", "model", "embeddings", "disk", "disk", "data directory"]
    assert [(one["check"], one["state"]) for one in found] == [(name, "ok") for name in names]
    assert "Nothing failed." in doctor(*words).stdout
    assert tree(tmp_path) == before


def test_every_mistake_is_said_with_what_would_be_right_and_the_other_checks_go_on(tmp_path: Path) -> None:
    write_starter(tmp_path)
    file = tmp_path / "portfolio.yaml"
    file.write_text(file.read_text().replace("risk: high", "risk: hgh").replace("step: repay,", "step: repai,"))
    result = doctor("--portfolio", str(file), "--data", str(tmp_path / "data"))
    assert result.exit_code == 1
    for words in ("'hgh' is not allowed", "-> Use one of: low, medium, high.", "-> Did you mean 'repay'?", "free"):
        assert words in result.stdout
    assert "Traceback" not in result.output


def test_without_a_portfolio_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "segue init" in only(look("configuration", tmp_path, portfolio=())).mend
    write_starter(tmp_path)
    assert "--portfolio portfolio.yaml" in only(look("configuration", tmp_path, portfolio=())).mend


def test_variables_are_named_and_no_secret_is_told(tmp_path: Path) -> None:
    portfolio(
        tmp_path,
        f'  - {{name: a, openapi: "{NOWHERE}/x?key=${{A_TOKEN}}", headers: {{X-Room: "${{ROOM}}"}}}}\n'
        f'  - {{name: b, openapi: "{NOWHERE}/${{ROOM}}", base_url: "${{BASE:-{NOWHERE}}}"}}\n',
    )
    environment = {"A_TOKEN": SECRET, "ROOM": f"room-{SECRET}"}
    text = "\n".join(
        f"{finding.found} {finding.mend}"
        for check in ("configuration", "tools")
        for finding in look(check, tmp_path, environment=environment)
    )
    assert "A_TOKEN set, BASE not set, ROOM set" in text
    assert "x?key=***" in text
    assert SECRET not in text


def test_sources_that_are_down_silent_or_something_else_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "FETCH", FetchLimits(timeout_s=0.3, attempts=1))
    with silent() as quiet, answering(200, b"<html>") as page, answering(403, b"") as closed:
        addresses = {"down": NOWHERE, "quiet": quiet, "page": page, "closed": closed}
        lines = (f"  - {{name: {name}, openapi: {address}/openapi.json}}\n" for name, address in addresses.items())
        portfolio(tmp_path, "".join(lines))
        findings = look("tools", tmp_path)
    assert [finding.state for finding in findings] == ["fail"] * 4
    for finding, words in zip(findings, ("ConnectError", "no document within 0.3 s", "JSON", "HTTP 403"), strict=True):
        assert words in finding.found
        assert finding.mend


def test_a_source_that_is_down_but_was_read_before_is_a_warning(tmp_path: Path) -> None:
    address = f"{NOWHERE}/openapi.json"
    portfolio(tmp_path, f"  - {{name: desk, openapi: {address}}}\n")
    operation = {"operationId": "open_ticket", "description": "Open a ticket.", "responses": {}}
    document = {"openapi": "3.1.0", "info": {}, "paths": {"/tickets": {"post": operation}}}
    data = tmp_path / "data"
    documents = documents_in(data)
    DocumentCache(documents).save("desk", address, json.dumps(document).encode())
    before = tree(data)
    findings = look("tools", tmp_path)
    assert [finding.state for finding in findings] == ["warning", "warning"]
    assert "segue serve would start with it" in findings[0].found
    assert "open_ticket" in findings[1].found
    assert tree(data) == before


def test_python_sources_are_imported_and_their_mistakes_named(tmp_path: Path) -> None:
    (tmp_path / "doctor_exits.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "tools.py").write_text('def mine() -> int:\n    """Do."""\n    return 1\n')
    (tmp_path / "doctor_prints.py").write_text('print("noise")\ndef mine() -> int:\n    """Do."""\n    return 1\n')
    functions = ("doctor_exits:f", "tools:mine", "doctor_prints:mine", "doctor_none:f")
    portfolio(tmp_path, "".join(f"  - {{name: s{n}, python: {{t{n}: '{one}'}}}}\n" for n, one in enumerate(functions)))
    result = doctor("--portfolio", str(tmp_path / "portfolio.yaml"), "--data", str(tmp_path / "data"), "--json")
    found = [one for one in json.loads(result.stdout) if one["check"] == "tools"]
    assert [one["state"] for one in found] == ["fail", "fail", "ok", "fail"]
    assert "SystemExit" in found[0]["found"]
    assert found[1]["mend"].startswith("Rename tools.py")
    assert "beside the portfolio file" in found[3]["mend"]
    assert "noise" in result.stderr


def test_a_listed_tool_that_the_source_lacks_and_a_tool_nobody_may_use_are_found(tmp_path: Path) -> None:
    write_starter(tmp_path)
    file = tmp_path / "portfolio.yaml"
    file.write_text(file.read_text().replace("allow: [understand, make_good, repay]", "allow: [understand, make_good]"))
    file.write_text(file.read_text().replace("- {purpose: pay back", "# - {purpose: pay back"))
    assert "pay_back_shipping" in look("tools", tmp_path)[-1].found
    file.write_text(file.read_text().replace("bind: {order_id:", "bind: {order:"))
    assert look("tools", tmp_path)[-1].state == "fail"


def test_a_module_that_never_ends_keeps_doctor_from_nothing(tmp_path: Path) -> None:
    write_starter(tmp_path)
    (tmp_path / "shop_tools.py").write_text("import threading\nthreading.Event().wait()\n")
    script = (
        "from api.doctor import sources; sources.LIMIT_S = 0.5\n"
        "from api.cli import build_cli; build_cli()(['doctor', '--portfolio', 'portfolio.yaml'])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    environment |= {"SEGUE_CACHE": str(embedding_cache()), "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "no end within 0.5 s" in done.stdout
    assert "Failed: 1" in done.stdout


def test_a_check_that_breaks_or_hangs_stops_no_other(tmp_path: Path) -> None:
    gate = threading.Event()

    def breaks(_: Setup) -> Iterator[Finding]:
        raise ZeroDivisionError("one line\nand another")

    def hangs(_: Setup) -> Iterator[Finding]:
        gate.wait()
        yield from ()

    setup = Setup(portfolio=(), data=tmp_path, database_url=None, model=None, url=None, key=None, environment={})
    checks = [Check(name=one.__name__, look=one, limit_s=0.1, mend_if_slow="wake it") for one in (breaks, hangs)]
    (broken, slow) = examine(setup, checks)
    gate.set()
    assert broken[1].found == "ZeroDivisionError: one line and another"
    assert (slow[1].state, slow[1].mend) == ("fail", "wake it")


def test_a_data_directory_held_by_a_live_process_is_named_and_not_touched(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with DataDirectory.hold(data):
        before = tree(data)
        held = only(look("data directory", tmp_path))
        assert len(look("disk", tmp_path)) == 1
        assert tree(data) == before
    assert held.state == "warning"
    assert f"held by process {os.getpid()}, which runs" in held.found


def test_the_lock_of_a_process_that_ended_is_void(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with subprocess.Popen(["true"]) as ended:
        pass
    (data / LOCK).write_text(f"{ended.pid}\n")
    found = only(look("data directory", tmp_path))
    assert found.state == "ok"
    assert f"process {ended.pid} held it last and has ended" in found.found
    with DataDirectory.hold(data):
        pass


@pytest.mark.parametrize("content", ["", "no number", "-5", "0", "9" * 40])
def test_a_lock_that_says_nothing_useful_is_no_trouble(tmp_path: Path, content: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / LOCK).write_text(content)
    assert only(look("data directory", tmp_path)).state == "ok"


def test_the_schema_of_the_store_is_known_newer_or_unreadable(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    store = data / "segue.sqlite"
    asyncio.run(made(f"sqlite:///{store}"))
    assert "the newest" in look("data directory", tmp_path)[-1].found
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert look("data directory", tmp_path)[-1].state == "fail"
    for path in data.glob("segue.sqlite*"):
        path.unlink()
    store.write_bytes(b"no database" * 100)
    assert "cannot be read" in look("data directory", tmp_path)[-1].found


async def made(url: str) -> None:
    """A store with our schema."""
    database = Database(url)
    await database.open()
    await database.aclose()


def test_a_full_disk_and_one_that_cannot_be_written_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unwritable = look("disk", tmp_path, data=Path("/proc/segue"))
    assert "cannot be written" in unwritable[-1].found
    monkeypatch.setattr(disk, "LEAST", 10**18)
    monkeypatch.setattr(disk, "LITTLE", 10**18)
    assert look("disk", tmp_path)[0].state == "fail"
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_asked_for_its_name_with_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(url: str, name: str = "gpt-9") -> Finding:
        environment = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": SECRET}
        return only(look("model", tmp_path, model=name, environment=environment))

    with answering(200, b'{"data": [{"id": "gpt-9"}]}') as url:
        assert asked(url).state == "ok"
        assert "gpt-9" in asked(url, "gpt-1").found
        assert asked(url, "gpt-1").state == "warning"
    for status, state in ((401, "fail"), (404, "warning"), (500, "fail")):
        with answering(status, SECRET.encode()) as url:
            assert asked(url).state == state
    with answering(200, b"[]") as url:
        assert asked(url).state == "fail"
    monkeypatch.setattr(model, "TIMEOUT_S", 0.3)
    with silent() as url:
        assert "does not answer" in asked(url).found
    gone = asked("http://user:password@127.0.0.1:9")
    assert (gone.state, "password" in gone.found) == ("fail", False)
    assert only(look("model", tmp_path, model="gpt-9")).state == "fail"


def test_embeddings_that_cannot_be_kept_fail_and_a_data_directory_is_not_used_for_them(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = only(look("embeddings", tmp_path, environment={"SEGUE_CACHE": str(tmp_path / "file" / "below")}))
    assert (kept.state, "SEGUE_CACHE" in kept.mend) == ("fail", True)
    assert only(look("embeddings", tmp_path, environment={})).state == "ok"
    assert not (tmp_path / "data").exists()


def test_a_served_segue_is_asked_how_it_is(served: Served, tmp_path: Path) -> None:
    assert only(look("served Segue", tmp_path, url=served.url)).state == "ok"
    with answering(200, b"{}") as other:
        assert "no Segue" in only(look("served Segue", tmp_path, url=other)).found
    assert only(look("served Segue", tmp_path, url=NOWHERE)).state == "fail"


def test_the_database_is_asked_without_changing_it(tmp_path: Path, postgres_url: str) -> None:  # noqa: F811
    def asked() -> list[Finding]:
        return look("database", tmp_path, database_url=postgres_url)

    assert "empty" in asked()[-1].found or "the newest" in asked()[-1].found
    asyncio.run(made(postgres_url))
    assert [finding.state for finding in asked()] == ["ok", "ok"]
    assert "the newest" in asked()[-1].found

    async def held() -> list[Finding]:
        database = Database(postgres_url)
        assert await database.hold()
        found = await asyncio.to_thread(asked)
        await database.aclose()
        return found

    assert "a Segue works on" in asyncio.run(held())[1].found


@pytest.mark.parametrize(
    "url",
    ["nonsense", "sqlite:///x", "postgresql+psycopg://ann:pa-ss@127.0.0.1:9/x", "postgresql+psycopg2://ann:pa-ss@h/x"],
)
def test_a_database_that_cannot_be_used_fails_without_its_password(tmp_path: Path, url: str) -> None:
    finding = only(look("database", tmp_path, database_url=url))
    assert finding.state == "fail"
    assert "pa-ss" not in finding.found
    assert "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE" in finding.mend
