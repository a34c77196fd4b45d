"""Functions of a company, as it would write them: sync and async, sound and broken."""

# Imported by name in test_python_source.py.
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from tools.errors import ToolError

GATE = threading.Event()
BOOKED: list[tuple[str, str]] = []


class Weekday(Enum):
    MONDAY = "monday"
    TUESDAY = "tuesday"


class Slot(BaseModel):
    day: Weekday
    hour: Annotated[int, Field(ge=0, le=23)]


@dataclass
class Booking:
    customer_id: str
    at: datetime


def book(
    customer_id: Annotated[str, Field(description="Who is called", min_length=1)],
    slot: Slot,
    channel: Literal["phone", "video"] = "phone",
    note: str | None = None,
    *,
    idempotency_key: str,
) -> Booking:
    """Book a call with a customer,
    at a day and hour.

    Longer explanations stay here.

    Args:
        slot: When to call,
            in local time.
        note (str): What it is about.
    """
    if customer_id == "unknown":
        raise ToolError("there is no customer 'unknown'")
    BOOKED.append((customer_id, idempotency_key))
    return Booking(customer_id=customer_id, at=datetime(2026, 11, 23, slot.hour, tzinfo=UTC))


async def add(a: int, b: int = Field(default=2, ge=1)) -> int:
    """Add two numbers.

    :param a: The first.
    """
    return a + b


def fail(how: str) -> str:
    """Fail in some way."""
    if how == "stop":
        raise StopIteration
    if how == "exit":
        raise SystemExit(3)
    raise ValueError(f"cannot {how}")


async def fail_async(how: str) -> str:
    """Fail in some way, on the loop."""
    return fail(how)


def lie(kind: str) -> dict[str, int]:
    """Return something else than it says."""
    answers: dict[str, Any] = {
        "type": {"a": "text"},
        "object": {"a": object()},
        "nan": {"a": float("nan")},
        "large": {f"{n:09}": n for n in range(200_000)},
        "none": None,
    }
    return answers[kind]  # type: ignore[no-any-return]


def hang() -> None:
    """Wait for somebody to open the gate."""
    GATE.wait(20)


def untyped(a, b: int):  # type: ignore[no-untyped-def]
    """No types."""


def undocumented(a: int) -> int:
    return a


def open_ended(*values: int) -> int:
    """Any number of values."""
    return sum(values)


def unknown_type(lock: threading.Lock) -> None:
    """A type that is no data."""


def wrong_key(idempotency_key: int) -> None:
    """A key that is no text."""


NOT_A_FUNCTION = 3
