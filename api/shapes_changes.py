"""What `GET /v1/memory/changes` answers. Start with `Changes`."""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Literal

from pydantic import Field

from api.shape import Shape


class ChangeShown(Shape):
    """An action that turns out otherwise from some moment on."""

    type: str = Field(description="Event type.")
    action: str
    way: Literal["better", "worse"]
    source: str | None = Field(description="Whose evidence of before counts half; null: that of every source.")
    apart: list[str] = Field(description="Sources left out of every, as a change of their own says the same.")
    at: str = Field(description="When the first run was closed that turned out otherwise.")
    found_at: str = Field(description="When the run was closed with whose outcome that was sure.")
    noted_at: str = Field(description="When Segue noticed.")
    expected: float = Field(description="Mean reward that was to be expected of the outcomes since.")
    found: float = Field(description="Mean reward of these outcomes.")
    before: int = Field(description="Outcomes it is held against.")
    since: int = Field(description="Outcomes by which it was found.")
    log_odds: float = Field(description="Natural logarithm of how much likelier these are if something has changed.")


class Changes(Shape):
    items: list[ChangeShown]
