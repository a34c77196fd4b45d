"""What answers about learning curves look like, for the OpenAPI document."""

# No postponed annotations here: pydantic reads them while the classes are made.

from pydantic import Field

from agent.curves import By
from api.shape import Shape


class MeanShown(Shape):
    """Of rewards, which are from 0 to 1."""

    count: int
    mean: float
    low: float = Field(description="Of Wilson's 95 % interval.")
    high: float


class CurvePoint(Shape):
    """Graded runs that were closed in one stretch of time; null where an arm has none."""

    since: str
    until: str
    memory: MeanShown | None
    control: MeanShown | None = Field(description="Decided without memory, for comparison.")
    undrawn: MeanShown | None = Field(description="Of runs of which no arm was drawn.")


class Curve(Shape):
    """What the runs of an event type earned as time went by, oldest first."""

    type: str
    goal: str | None = Field(description="Null: all goals by their present weights.")
    by: By
    graded: int = Field(description="Runs in all points, of both arms.")
    points: list[CurvePoint]
