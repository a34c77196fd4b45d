"""`segue serve`: from start to clean end."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from agent.directory import DataDirectory
from agent.wiring import Settings
from api.address import Address, listen
from api.cli import build_cli
from api.server import CLOSE_WITHIN_S, run_server
from tests.agent.company import PORTFOLIO, embedding_cache


def serve(*words: str, **environment: str | None) -> Result:
    """Try to serve in this process; it must fail before it does."""
    cleared: dict[str, str | None] = {"SEGUE_PORTFOLIO": None, "SEGUE_KEYS": None, "SEGUE_MODEL": None}
    return CliRunner().invoke(build_cli(), ["serve", *words], env={**cleared, **environment})


def portfolio(folder: Path, text: str = PORTFOLIO) -> str:
    """A portfolio file."""
    file = folder / "portfolio.yaml"
    file.write_text(text)
    return str(file)


def test_a_server_uses_tools_beside_its_portfolio_says_when_it_is_ready_and_ends_cleanly_on_sigterm(
    tmp_path: Path,
) -> None:
    shutil.copy(Path(__file__).with_name("plain_tools.py"), tmp_path / "beside.py")
    file = portfolio(tmp_path, PORTFOLIO.replace("tests.agent.company", "beside"))
    command = [sys.executable, "-m", "api", "serve", "--portfolio", file, "--port", "0"]
    environment = {**os.environ, "SEGUE_CACHE": str(embedding_cache()), "SEGUE_DATA": str(tmp_path / "data")}
    environment = {name: value for name, value in environment.items() if name not in {"SEGUE_MODEL", "SEGUE_KEYS"}}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            found = re.fullmatch(
                r"ready (http://127\.0\.0\.1:\d+)  decided by planner  portfolio \S+  memory on  keys off\n", line
            )
            assert found, line + (server.stderr.read() if server.stderr else "")
            with httpx.Client(base_url=found[1], trust_env=False) as http:
                assert http.get("/health/ready").json()["status"] == "ready"
                event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "customer.upset", "data": {}}
                sent = http.post("/v1/events", json=event, headers={"content-type": "application/cloudevents+json"})
                run = sent.json()["accepted"][0]["run"]
                while (found_run := http.get(f"/v1/runs/{run}").json())["status"] in {"queued", "running"}:
                    pass
                assert [effect["tool"] for effect in found_run["effects"]] == ["pause_mail"]
            server.send_signal(signal.SIGTERM)
            rest, errors = server.communicate(timeout=30)
        finally:
            server.kill()
    assert (server.returncode, rest) == (0, ""), errors
    assert "Traceback" not in errors
    with DataDirectory.hold(tmp_path / "data"):
        pass


async def test_open_streams_end_with_the_server(tmp_path: Path) -> None:
    text = PORTFOLIO.replace("allow: [know, calm, pay_back]", "allow: [pay_back]").replace(
        "step: calm}\n", "step: repay}\n"
    )
    text = text.replace("purpose: pause advertising mail to the customer", "purpose: pay money back to a customer")
    settings = Settings(
        portfolio=(Path(portfolio(tmp_path, text)),),
        data=tmp_path / "data",
        environment={"SEGUE_CACHE": str(embedding_cache())},
    )
    urls: asyncio.Queue[str] = asyncio.Queue()
    address = Address(host="127.0.0.1", port=0, keys=None)
    serving = asyncio.create_task(run_server(settings, address, lambda _, url: urls.put_nowait(url)))
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "customer.upset", "data": {"message": "pay"}}
    async with httpx.AsyncClient(base_url=await urls.get(), trust_env=False, timeout=30) as http:
        sent = await http.post("/v1/events", json=event, headers={"content-type": "application/cloudevents+json"})
        run = sent.json()["accepted"][0]["run"]
        async with http.stream("GET", f"/v1/runs/{run}/stream") as stream:
            names = []
            async for line in stream.aiter_lines():
                names.append(line.partition("event: ")[2])
                if '"status":"waiting"' in line:
                    began = time.monotonic()
                    os.kill(os.getpid(), signal.SIGTERM)
            assert "approval" in names
            assert "end" not in names
    await serving
    # Less than what uvicorn gives requests in flight; the rest of Segue closes meanwhile.
    assert time.monotonic() - began < CLOSE_WITHIN_S


def test_what_is_wrong_in_a_portfolio_is_printed_one_mistake_a_line(tmp_path: Path) -> None:
    text = PORTFOLIO.replace("risk: high", "risk: huge").replace("effect: read", "effect: none")
    result = serve("--portfolio", portfolio(tmp_path, text), "--data", str(tmp_path / "data"), "--port", "0")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("segue: ") and "portfolio.yaml" in line for line in lines)


def test_a_portfolio_that_is_not_there_is_named(tmp_path: Path) -> None:
    both = os.pathsep.join([str(tmp_path / "one.yaml"), str(tmp_path / "two.yaml")])
    result = serve("--data", str(tmp_path / "data"), "--port", "0", SEGUE_PORTFOLIO=both)
    assert result.exit_code == 1
    assert "one.yaml" in result.stderr
    assert "two.yaml" in result.stderr


def test_a_held_data_directory_is_named_with_its_holder(tmp_path: Path) -> None:
    with DataDirectory.hold(tmp_path / "data"):
        result = serve("--portfolio", portfolio(tmp_path), "--data", str(tmp_path / "data"), "--port", "0")
    assert result.exit_code == 1
    assert f"held by process {os.getpid()}" in result.stderr


def test_other_hosts_than_loopback_need_keys(tmp_path: Path) -> None:
    result = serve("--portfolio", portfolio(tmp_path), "--host", "0.0.0.0")
    assert result.exit_code == 1
    assert "--keys" in result.stderr
    missing = serve("--portfolio", portfolio(tmp_path), "--host", "0.0.0.0", "--keys", str(tmp_path / "none.yaml"))
    assert (missing.exit_code, "none.yaml" in missing.stderr) == (1, True)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "Set OPENAI_API_KEY"),
        ({"OPENAI_BASE_URL": "127.0.0.1:8080/v1"}, "Use http://HOST:PORT/v1."),
        ({"OPENAI_API_KEY": "schlüssel"}, "OPENAI_API_KEY has characters"),
    ],
)
def test_a_model_that_cannot_be_asked_is_said_before_anything_is_opened(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    cleared = {"OPENAI_BASE_URL": None, "OPENAI_API_KEY": None}
    words = (
        "--portfolio",
        portfolio(tmp_path),
        "--data",
        str(tmp_path / "data"),
        "--port",
        "0",
        "--model",
        "some-model",
    )
    result = serve(*words, **{**cleared, **environment})
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_said_before_anything_is_opened(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        result = serve("--portfolio", portfolio(tmp_path), "--data", str(tmp_path / "data"), "--port", port)
    assert result.exit_code == 1
    assert f"Port {port}" in result.stderr
    assert not (tmp_path / "data").exists()
