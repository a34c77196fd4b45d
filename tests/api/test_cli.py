"""The command line, against a real Segue over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from api import cli, shapes
from api.cli import build_cli
from api.run_tree import run_tree
from api.terminal import Screen, clean
from tests.api.served import Served

UNSAFE = "\x1b]0;owned\x07\x1b[31m[red]bold[/red] \x9b2J \u202eevil\n:smile:"


def invoke(*words: str, input: str | None = None, **environment: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(build_cli(), list(words), input=input, env={"SEGUE_URL": None, **environment})


def ask(served: Served, *words: str, input: str | None = None) -> Result:
    """Run a command against the served Segue; it must succeed."""
    result = invoke(*words, "--url", served.url, input=input)
    assert result.exit_code == 0, result.output
    return result


def ask_json(served: Served, *words: str) -> Any:
    """The same, its JSON."""
    return json.loads(ask(served, *words, "--json").stdout)


def test_an_event_made_of_options_is_sent_and_followed_to_its_end(served: Served) -> None:
    result = ask(
        served, "send", "--type", "customer.upset", "--subject", "cli-1", "--data", '{"message": "pause"}', "--wait"
    )
    first, *_ = result.stdout.splitlines()
    run = first.split()[1]
    assert "done" in result.stdout
    assert served.http.get(f"/v1/runs/{run}").json()["effects"][0]["tool"] == "pause_mail"


@pytest.mark.parametrize("mode", ["structured", "binary", "batch"])
def test_a_file_is_sent_in_every_mode(served: Served, tmp_path: Path, mode: str) -> None:
    events = [served.event(subject=f'Küche {mode} 100% "é"'), served.event()]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(event) for event in events))
    sent = ask_json(served, "send", str(file), "--mode", mode)["accepted"]
    assert [one["id"] for one in sent] == [event["id"] for event in events]
    assert served.ended(sent[0]["run"])["event"]["subject"] == events[0]["subject"]
    again = ask(served, "send", "-", input=json.dumps(events))
    assert again.stdout.count("known before") == 2


def test_a_list_longer_than_a_batch_goes_in_several(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "many.json"
    file.write_text(
        json.dumps([served.event("nothing", type="customer.stayed", data={"loyalty": 1}) for _ in range(501)])
    )
    assert len(ask_json(served, "send", str(file))["accepted"]) == 501


def test_runs_are_listed_and_shown(served: Served) -> None:
    run = served.handle("pause me", subject="cli-list")
    (listed,) = ask_json(served, "runs", "list", "--subject", "cli-list")
    assert listed["id"] == run["id"]
    table = ask(served, "runs", "list", "--subject", "cli-list").stdout
    assert run["id"] in table
    shown = ask(served, "runs", "show", run["id"]).stdout
    for words in ("cli-list", "as told: pause me", "pause_mail", '"days": 3', "done"):
        assert words in shown
    assert ask_json(served, "runs", "show", run["id"]) == run


def test_an_approval_is_shown_and_approved_with_other_arguments(served: Served) -> None:
    run = served.handle("refund me")
    approval = run["approvals"][0]["id"]
    assert approval in ask(served, "approvals", "list", "--limit", "500").stdout
    assert "pay_back" in ask(served, "approvals", "show", approval).stdout
    ask(served, "approvals", "approve", approval, "--arguments", '{"amount": 3}', "--reason", "less")
    assert [effect["arguments"]["amount"] for effect in served.ended(run["id"])["effects"]] == [3]
    second = invoke("approvals", "reject", approval, "--url", served.url)
    assert second.exit_code == 1
    assert "already answered" in second.stderr
    assert second.stdout == ""


def test_a_question_is_answered_with_another_tool_or_rejected(served: Served) -> None:
    first, second = served.handle("ask me"), served.handle("ask me")
    ask(served, "approvals", "approve", first["approvals"][0]["id"], "--tool", "pause_mail")
    ask(served, "approvals", "reject", second["approvals"][0]["id"], "--reason", "no")
    assert [effect["tool"] for effect in served.ended(first["id"])["effects"]] == ["pause_mail"]
    assert served.ended(second["id"])["effects"] == []


def test_an_unknown_effect_is_listed_and_settled(served: Served) -> None:
    served.lose_next_call()
    run = served.handle("lose it")
    key = run["effects"][0]["key"]
    assert key in ask(served, "effects", "list", "--state", "unknown").stdout
    ask(served, "effects", "settle", key, "--state", "done", "--result", '{"booked": true}', "--reason", "seen")
    assert served.ended(run["id"])["effects"][0]["result"] == {"booked": True}


def test_a_large_result_is_shown_by_its_beginning_and_given_whole(served: Served) -> None:
    served.lose_next_call()
    run = served.handle("lose it", subject="cli-large")
    key = run["effects"][0]["key"]
    assert served.http.get(f"/v1/effects/{key}/result").status_code == 409
    large = {"text": "much " * 20_000}
    ask(served, "effects", "settle", key, "--state", "done", "--result", json.dumps(large))
    shown = served.ended(run["id"])
    shapes.RunShown.model_validate(shown)
    result = shown["effects"][0]["result"]
    assert (result["large"], result["bytes"]) == (True, len(json.dumps(large)))
    assert result["preview"].startswith('{"text": "much much ')
    tree = ask(served, "runs", "show", run["id"]).stdout
    assert "result: 97.7 KiB, whole with segue effects result; it begins" in tree
    assert f"stored: {shown['stored_bytes'] / 1024:.1f} KiB" in tree
    assert len(tree) < 20_000
    assert served.http.get(f"/v1/effects/{key}/result").json() == large
    assert json.loads(ask(served, "effects", "result", key).stdout) == large
    assert served.http.get("/v1/effects/none/result").status_code == 404


def test_tools_and_memory_are_listed(served: Served) -> None:
    served.handle("pause me")
    tools = ask_json(served, "tools", "list")
    assert {tool["name"] for tool in tools} >= {"pause_mail", "pay_back"}
    assert "pay_back" in ask(served, "tools", "list").stdout
    assert ask_json(served, "memory", "show")[0]["event_type"] == "customer.upset"
    assert "customer.upset" in ask(served, "memory", "show").stdout
    ask(served, "memory", "search", "pause", "--type", "customer.upset", "--k", "2")
    value = ask_json(served, "memory", "value", "--type", "customer.upset")
    assert value["items"] == []
    assert value["refused"] in ask(served, "memory", "value", "--type", "customer.upset").stdout


def test_one_episode_is_shown_whole_and_all_of_a_type_are_summed_up_by_action(served: Served) -> None:
    run = served.handle("pause me")
    episode = ask_json(served, "memory", "show", run["id"])
    assert [one["action"] for one in episode["actions"]] == ["pause_mail"]
    told = ask(served, "memory", "show", run["id"]).stdout
    assert "pause me" in told
    assert "no outcome has come" in told
    assert "used since: 0 helped, 0 hurt" in told
    found = ask_json(served, "memory", "map", "--type", "customer.upset")
    # A closed run does not wait for its episode to be findable.
    assert len(found["points"]) + found["not_indexed"] == found["episodes"] > 0
    summed = ask(served, "memory", "map", "--type", "customer.upset", "--limit", "10000").stdout
    assert "pause_mail" in summed
    assert f"of {found['episodes']} episodes" in summed


def test_text_of_events_cannot_command_the_terminal(served: Served) -> None:
    run = served.handle("pause " + UNSAFE, subject="[bold]" + UNSAFE)
    outputs = [
        ask(served, "runs", "show", run["id"]).stdout,
        ask(served, "runs", "list", "--limit", "5").stdout,
        ask(served, "memory", "show", "--limit", "1000").stdout,
        ask(served, "runs", "show", run["id"], "--json").stdout,
        ask(served, "memory", "show", run["id"]).stdout,
        ask(served, "memory", "show", run["id"], "--json").stdout,
        ask(served, "memory", "map", "--type", "customer.upset", "--json").stdout,
    ]
    for output in outputs:
        assert not set(output) & set("\x1b\x07\x9b\u202e"), output
    assert "[red]bold[/red]" in outputs[0]
    assert "[bold]" in outputs[1]
    assert ":smile:" in outputs[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("runs", "show", "none"), "404"),
        (("runs", "show", "../health/live"), "404"),
        (("runs", "list", "--status", "asleep"), "status"),
        (("approvals", "reject", "none"), "404"),
        (("effects", "settle", "r:1:0", "--state", "failed"), "404"),
        (("memory", "search", "x", "--type", "none"), "404"),
        (("memory", "show", "none"), "404"),
        (("memory", "show", "../../runs"), "404"),
        (("memory", "map", "--type", "none"), "there is no event type 'none'"),
        (("memory", "value", "--type", "none"), "404"),
        (("send", "no-such-file.json"), "no-such-file.json"),
        (("send", "--type", "customer.unknown"), "customer.unknown"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_1(served: Served, words: tuple[str, ...], says: str) -> None:
    result = invoke(*words, "--url", served.url)
    assert result.exit_code == 1, result.output
    assert says in result.stderr
    assert result.stderr.startswith("segue: ")
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("send",),
        ("send", "x.json", "--type", "y"),
        ("send", "--type", "t", "--data", "{"),
        ("approvals", "approve", "a", "--arguments", "[1]"),
        ("approvals", "approve", "a", "--arguments", '{"a": NaN}'),
        ("effects", "settle", "k"),
        ("effects", "settle", "k", "--state", "unknown"),
        ("memory", "search", "x"),
        ("memory", "map"),
        ("memory", "map", "--type", "customer.upset", "--limit", "10001"),
        ("memory", "value"),
        ("memory", "value", "--type", "t", "--policy", "best"),
        ("keys", "new", "ann", "--scope", "root"),
        ("runs", "list", "--limit", "0"),
        ("nonsense",),
        ("serve",),
    ],
)
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...]) -> None:
    result = (
        invoke(*words, "--url", "http://127.0.0.1:9")
        if words[0] not in {"keys", "nonsense", "serve"}
        else invoke(*words)
    )
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("text", ["", "[]", "{", "[1]", '{"a": 1}\n{', "\x00", "[" * 100_000])
def test_a_file_without_events_is_refused(served: Served, text: str) -> None:
    result = invoke("send", "-", "--url", served.url, input=text)
    assert result.exit_code == 1, result.output
    assert "standard input" in result.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://x", "nonsense", "http://", "http://[", "http://a b", "é"])
def test_a_server_that_cannot_be_reached_is_said_in_one_line(url: str) -> None:
    result = invoke("runs", "list", "--url", url)
    assert result.exit_code == 1
    assert result.stderr.startswith("segue: ")
    assert len(result.stderr.splitlines()) == 1


def test_the_address_and_the_key_come_from_the_environment(served: Served) -> None:
    assert invoke("tools", "list", SEGUE_URL=served.url + "/", SEGUE_API_KEY="unused").exit_code == 0
    bad = invoke("tools", "list", SEGUE_URL=served.url, SEGUE_API_KEY="a\nb")
    assert bad.exit_code == 1


def test_a_new_key_is_printed_alone_on_standard_output(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    result = invoke("keys", "new", "ann", "--keys", str(file), "--scope", "read", "--scope", "operate")
    assert result.exit_code == 0
    assert result.stdout.startswith("segue_")
    assert result.stdout.strip() not in file.read_text()
    assert "operate" in file.read_text()
    assert invoke("keys", "new", "ann", "--keys", str(file)).exit_code == 1


def test_a_key_of_a_role_is_made_and_listed_with_what_it_permits(tmp_path: Path) -> None:
    file = str(tmp_path / "keys.yaml")
    assert invoke("keys", "new", "ann", "--keys", file, "--role", "approver").exit_code == 0
    assert invoke("keys", "new", "shop", "--keys", file).exit_code == 0
    both = invoke("keys", "new", "bea", "--keys", file, "--role", "viewer", "--scope", "read")
    assert (both.exit_code, "not both" in both.stderr) == (2, True)
    assert invoke("keys", "new", "bea", "--keys", file, "--role", "king").exit_code == 2
    assert json.loads(invoke("keys", "list", "--keys", file, "--json").stdout) == [
        {"name": "ann", "tenant": "default", "role": "approver", "scopes": ["events", "read", "steer", "approve"]},
        {"name": "shop", "tenant": "default", "role": None, "scopes": ["events", "read"]},
    ]
    assert "approver" in invoke("keys", "list", "--keys", file).stdout
    missing = invoke("keys", "list", "--keys", str(tmp_path / "none.yaml"))
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (1, True)


def test_rebuilding_says_who_holds_the_data_directory(served: Served, tmp_path: Path) -> None:
    missing = invoke("memory", "rebuild", "--data", str(tmp_path / "none"))
    assert (missing.exit_code, "no data directory" in missing.stderr) == (1, True)
    held = tmp_path / "held"
    held.mkdir()
    from agent.directory import DataDirectory

    with DataDirectory.hold(held):
        busy = invoke("memory", "rebuild", "--data", str(held))
    assert busy.exit_code == 1
    assert "is held by process" in busy.stderr


def test_commands_of_other_packages_are_added_and_a_broken_one_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        metadata.EntryPoint("more", "tests.api.test_cli:register_more", cli.GROUP),
        metadata.EntryPoint("broken", "tests.api.nothing:register", cli.GROUP),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: entries)
    result = CliRunner().invoke(build_cli(), ["more"])
    assert result.stdout == "more\n"
    assert "tests.api.nothing" in capsys.readouterr().err


def register_more(app: typer.Typer) -> None:
    """What another package would give."""
    app.command("more")(lambda: typer.echo("more"))


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from api.cli import build_cli; build_cli\n"
        "heavy = {'fastapi', 'httpx', 'pydantic', 'sqlalchemy', 'chromadb', 'dbos', 'langgraph', 'numpy'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_version_and_help_say_what_there_is() -> None:
    assert invoke("--version").stdout.startswith("segue ")
    text = invoke("--help").stdout
    for command in (
        "serve",
        "send",
        "runs",
        "approvals",
        "effects",
        "pause",
        "resume",
        "dead",
        "tools",
        "memory",
        "keys",
    ):
        assert command in text


@pytest.mark.parametrize("run", [{}, {"decisions": [{}], "effects": [{}], "approvals": [{}], "outcomes": [{}]}])
def test_a_run_of_another_version_is_shown_as_far_as_it_is_understood(run: dict[str, Any]) -> None:
    Screen().console.print(run_tree(run))


def test_clean_leaves_no_control_character() -> None:
    assert not any(ord(character) < 32 and character != "\n" for character in clean("".join(map(chr, range(300)))))
    clean("\ud800").encode()


def test_a_run_is_watched_to_its_end(served: Served) -> None:
    run = served.handle("pause please", subject=UNSAFE)["id"]
    lines = ask(served, "runs", "watch", run).stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["decision", "effect", "effect", "decision", "end"]
    assert "pause_mail" in lines[0]
    told = [json.loads(line) for line in ask(served, "runs", "watch", run, "--json").stdout.splitlines()]
    assert [one["event"] for one in told] == ["decision", "effect", "effect", "decision", "end"]
    missing = invoke("runs", "watch", "none", "--url", served.url)
    assert (missing.exit_code, "no run" in missing.stderr) == (1, True)
