"""The demo's two companies as one: both worlds, and a Segue with both portfolios. Start with `open_demo`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from evals.processes import address, free_port
from tests.console.served import LONGEST_S, LOOK_S, ROOT, Parent, Served, open_served, plain_environment

SHOP, PLANT = "retail_care", "plant_maintenance"
WORLDS = ROOT / "evals" / "worlds"
MACHINE = "mach-41"
"""A press whose bearing wears out, with none on the shelf."""
FREE_PARTS = "bearing"


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The running company."""

    served: Served
    worlds: Mapping[str, str]
    """Address by name."""

    def world(self, name: str, path: str, **asked: Any) -> Any:
        """GET something of a world."""
        answer = self.served.http.get(f"{self.worlds[name]}/_world{path}", params=asked)
        answer.raise_for_status()
        return answer.json()

    def tell(self, name: str, path: str, body: Mapping[str, Any]) -> None:
        """POST something to a world."""
        answer = self.served.http.post(f"{self.worlds[name]}/_world{path}", json=body)
        answer.raise_for_status()

    def events(self, type: str, count: int) -> list[dict[str, Any]]:
        """Events of the shop that are ready to be sent."""
        return list(self.world(SHOP, "/events", type=type, n=count, seed=1))

    def complaint(self, lowest: float, highest: float, but: frozenset[str] = frozenset()) -> dict[str, Any]:
        """A complaint of somebody else, who asks for so much money back."""
        return next(
            event
            for event in self.events("customer.complaint.received", 60)
            if lowest < event["data"].get("amount", 0.0) <= highest
            and "order_id" in event["data"]
            and event["subject"] not in but
        )

    def send(self, event: Mapping[str, Any]) -> str:
        """Send an event as it is; the id of its run."""
        answer = self.served.ask("POST", "/v1/events", json=dict(event), headers=CLOUD_EVENT)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["accepted"][0]["run"])

    def handle(self, event: Mapping[str, Any]) -> Any:
        """Its run once it has ended or waits for a person."""
        return self.served.ended(self.send(event))

    def refunds(self) -> list[dict[str, Any]]:
        """Arguments of the refunds that were really made."""
        return [
            one["arguments"] for one in self.world(SHOP, "/ledger") if one["tool"] == "issue_refund" and one["applied"]
        ]


CLOUD_EVENT = {"content-type": "application/cloudevents+json"}


def failure_predicted(machine: str = MACHINE) -> dict[str, Any]:
    """What the plant's predictor reports."""
    return {
        "specversion": "1.0",
        "id": f"alarm-{machine}",
        "source": "/worlds/plant_maintenance/predictor",
        "type": "machine.failure.predicted",
        "subject": machine,
        "time": datetime.now(UTC).isoformat(),
        "data": {
            "machine_kind": "press",
            "line": "D",
            "fault_mode": "bearing wear",
            "part_family": FREE_PARTS,
            "repair_in_hours": 28.0,
            "repair_hours": 6.0,
        },
    }


@contextmanager
def open_demo(parent: Parent, folder: Path) -> Iterator[Demo]:
    """Both worlds and Segue, until the end of the block; nobody needs a key."""
    port = free_port()
    ports = {SHOP: free_port(), PLANT: free_port()}
    with ExitStack() as stack:
        for name, at in ports.items():
            stack.enter_context(_world(parent, folder / name, name, at, segue=address(port)))
        demo_worlds = {name: address(at) for name, at in ports.items()}
        served = stack.enter_context(
            open_served(
                parent,
                folder,
                portfolios=tuple(WORLDS / name / "portfolio.yaml" for name in ports),
                environment={f"{name.upper()}_URL": url for name, url in demo_worlds.items()},
                port=port,
            )
        )
        demo = Demo(served=served, worlds=demo_worlds)
        _wear_out(demo)
        yield demo


@contextmanager
def _world(parent: Parent, folder: Path, name: str, port: int, *, segue: str) -> Iterator[None]:
    folder.mkdir()
    words = ["world", name, "--port", str(port), "--data", str(folder / "data"), "--seed", "7", "--segue", segue]
    process = parent.run(words, folder / "log", plain_environment())
    try:
        _until_it_answers(f"{address(port)}/_world/state", folder / "log")
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _until_it_answers(url: str, log: Path) -> None:
    until = time.monotonic() + LONGEST_S
    while True:
        with suppress(httpx.TransportError):
            if httpx.get(url, trust_env=False, timeout=30).status_code == 200:
                return
        assert time.monotonic() < until, log.read_text()
        time.sleep(LOOK_S)


def _wear_out(demo: Demo) -> None:
    """The press is going to fail, and the part it needs is not there."""
    parts = demo.world(PLANT, "/state")["parts"]
    reserved = next(part["reserved"] for part in parts if part["family"] == FREE_PARTS)
    worn = {"part_family": FREE_PARTS, "repair_in_hours": 28.0, "repair_hours": 6.0}
    press = {"machine_id": MACHINE, "kind": "press", "line": "D", "worn": worn}
    demo.tell(PLANT, "/arrange", {"machines": [press], "parts": [{"part_family": FREE_PARTS, "on_stock": reserved}]})
