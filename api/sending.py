"""CloudEvents from files to a running Segue. Start with `read_events`, `send_events`, `follow`."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from api.client import Client
from api.terminal import CommandError

LARGEST_FILE = 64 * 1024 * 1024
BATCH_EVENTS = 500
BATCH_BYTES = 1024 * 1024
"""What a server takes in one request unless it is told otherwise."""
POLL_S = 0.1
ENDED = frozenset({"done", "stopped", "failed", "cancelled", "waiting"})


def make_event(*, type: str, subject: str | None, source: str, id: str | None, data: Any) -> dict[str, Any]:
    """An event that happens now."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": id or uuid.uuid4().hex,
        "source": source,
        "type": type,
        "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "data": data,
    }
    return event if subject is None else {**event, "subject": subject}


def read_events(file: str) -> list[dict[str, Any]]:
    """One event, a list, or one a line, from a file or `-`. Raises `CommandError`."""
    name = "standard input" if file == "-" else file
    try:
        body = sys.stdin.buffer.read(LARGEST_FILE + 1) if file == "-" else _read_file(Path(file))
        text = body.decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{name}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name}: is no UTF-8 text (byte {error.start})") from error
    if len(body) > LARGEST_FILE:
        raise CommandError(f"{name}: is larger than {LARGEST_FILE} bytes; send it in parts")
    events = _parse(text, name)
    if not events:
        raise CommandError(f"{name}: there is no event in it")
    for number, event in enumerate(events):
        if not isinstance(event, dict):
            raise CommandError(f"{name}: event {number} is no JSON object")
    return events


def send_events(client: Client, events: Sequence[dict[str, Any]], mode: str) -> list[dict[str, Any]]:
    """Send in this mode; what became of each. A batch too large for one request goes in several."""
    accepted: list[dict[str, Any]] = []
    if mode == "batch":
        for part in _parts(events):
            accepted += _accepted(
                client, b"[" + b",".join(part) + b"]", {"content-type": "application/cloudevents-batch+json"}
            )
        return accepted
    for event in events:
        if mode == "binary":
            content, headers = _binary(event)
        else:
            content, headers = _body(event), {"content-type": "application/cloudevents+json"}
        accepted += _accepted(client, content, headers)
    return accepted


def follow(client: Client, accepted: Sequence[dict[str, Any]], timeout_s: float) -> list[dict[str, Any]]:
    """The runs, each once it has ended or waits for an operator. Raises `CommandError` when time is up."""
    until = time.monotonic() + timeout_s
    runs: list[dict[str, Any]] = []
    for run in dict.fromkeys(one["run"] for one in accepted if one.get("run")):
        while True:
            found = client.get(f"/v1/runs/{quote(str(run), safe='')}")
            if found.get("status") in ENDED:
                break
            if time.monotonic() > until:
                raise CommandError(
                    f"Run {run} is still {found.get('status')} after {timeout_s:g} s. It goes on without us."
                )
            time.sleep(POLL_S)
        runs.append(found)
    return runs


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def _parse(text: str, name: str) -> list[Any]:
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise CommandError(f"{name}: is nested too deeply") from error
    except ValueError as error:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
        if len(lines) < 2:
            raise CommandError(f"{name}: is no JSON: {error}") from error
        return [_parse_line(line, number, name) for number, line in lines]
    return whole if isinstance(whole, list) else [whole]


def _parse_line(line: str, number: int, name: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{name}: line {number} is no JSON: {error}") from error


def _body(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _binary(event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    if "data_base64" in event:
        raise CommandError("An event with data_base64 cannot be sent in binary mode here; use --mode structured.")
    headers = {
        f"ce-{name}": quote(str(value), safe="!#$&'()*+,-./:;<=>?@[]^_`{|}~")
        for name, value in event.items()
        if name not in {"data", "datacontenttype"} and value is not None
    }
    headers["content-type"] = str(event.get("datacontenttype") or "application/json")
    data = event.get("data")
    return b"" if data is None else json.dumps(data, separators=(",", ":")).encode(), headers


def _parts(events: Sequence[dict[str, Any]]) -> list[list[bytes]]:
    parts: list[list[bytes]] = [[]]
    size = 2
    for event in events:
        body = _body(event)
        if parts[-1] and (len(parts[-1]) == BATCH_EVENTS or size + len(body) + 1 > BATCH_BYTES):
            parts.append([])
            size = 2
        parts[-1].append(body)
        size += len(body) + 1
    return parts


def _accepted(client: Client, content: bytes, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = client.post("/v1/events", content=content, headers=headers)
    accepted = answer.get("accepted")
    if not isinstance(accepted, list):
        raise CommandError("The answer is not what a Segue answers. Is the address (--url) right?")
    return accepted
