"""What every answer has in common, for the OpenAPI document. Start with `Shape`."""

# No postponed annotations here: pydantic reads them while the classes are made.

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Keys that are not described are a mistake: tests hold answers against their shapes."""

    model_config = ConfigDict(extra="forbid")


class Page(Shape):
    """A part of a list; what it lists stands in `items`."""

    next: str | None = Field(description="Send it as `cursor` for the page after this one; null on the last.")
