"""What answers about who did what look like, for the OpenAPI document."""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Any

from pydantic import Field

from agent.acts import Act, ThingKind
from agent.doors import Door
from api.shape import Page, Shape


class ActShown(Shape):
    """One act: who did what, when, and by which door they came in."""

    id: int = Field(description="Later lines have higher numbers.")
    at: str
    who: str = Field(description="Name of the key; `operator` where there are no keys, `segue` by itself.")
    door: Door
    act: Act
    kind: ThingKind = Field(description="Of what it is about.")
    about: str = Field(description="Its id or name; empty for everything, the portfolio and the console.")
    run: str | None = Field(description="The run it belongs to.")
    subject: str | None = Field(description="Of that run.")
    event_type: str | None = Field(description="Of that run.")
    detail: dict[str, Any] = Field(description="What was given or changed: reason, tool, names of edited arguments.")


class ActivityPage(Page):
    items: list[ActShown]
