"""What answers about dead letters look like, for the OpenAPI document; as `api.shapes`."""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Literal

from pydantic import Field

from agent.store.dead import LetterState
from api.shape import Page, Shape
from api.shapes import RunShown


class DeadLetterRow(Shape):
    """A run that failed for reasons of its own, as lists show it."""

    run: str
    state: LetterState = Field(description="`retrying` while it is to be tried again, `open` once it failed for good.")
    type: str
    subject: str
    source: str
    event_id: str
    code: str
    detail: str
    attempts: int = Field(description="Tries so far, those before replays too.")
    replays: int
    since: str = Field(description="When it came into its state.")
    changed_by: str | None = Field(description="Who replayed or discarded it last.")
    changed_at: str | None


class HappenedShown(Shape):
    """A try of the run (`attempt`, `code`, `detail`) or what an operator did (`state`, `by`, `reason`)."""

    at: str
    attempt: int | None = None
    code: str | None = None
    detail: str | None = None
    state: Literal["replayed", "discarded"] | None = None
    by: str | None = None
    reason: str | None = None


class DeadLetterShown(DeadLetterRow):
    history: list[HappenedShown]
    record: RunShown = Field(description="The run, whole.")


class DeadLetterPage(Page):
    items: list[DeadLetterRow]
