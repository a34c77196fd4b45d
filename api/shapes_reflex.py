"""What `GET /v1/memory/reflex` answers. Start with `ReflexList`."""

from __future__ import annotations

from pydantic import Field

from api.shape import Shape


class ReflexSettings(Shape):
    """As in the portfolio."""

    checked: float
    episodes: int
    lower: float
    margin: float


class ReflexRuns(Shape):
    """Runs by who decided them."""

    reflex: int = Field(description="Runs of which at least one decision was the reflex's.")
    checked: int = Field(description="Runs that went to the model as a check.")
    model: int = Field(description="Runs that the model alone decided, the checked ones too.")


class ReflexDecisions(Shape):
    """Decisions by who made them."""

    reflex: int
    checked: int = Field(description="The model's, where the reflex would have decided.")
    agreed: int = Field(description="Of those, where both decided the same.")
    model: int = Field(description="All of the model's.")


class GradedRuns(Shape):
    """What runs earned."""

    runs: int = Field(description="Runs with an outcome.")
    mean: float | None


class RewardDifference(Shape):
    """Of two means, with its 95 % interval."""

    mean: float
    low: float
    high: float


class ReflexReward(Shape):
    """Mean rewards by who decided."""

    reflex: GradedRuns
    checked: GradedRuns
    model: GradedRuns
    difference: RewardDifference | None = Field(
        description="Runs of the reflex less checked runs; null with fewer than five of either."
    )


class ReflexShown(Shape):
    """What the reflex of an event type spares, and what it costs in success."""

    event_type: str
    reflex: ReflexSettings | None = Field(description="Null where the portfolio has none any more.")
    runs: ReflexRuns
    decisions: ReflexDecisions
    gave_way: dict[str, int] = Field(description="Decisions left to the model, by reason, the commonest first.")
    model_calls_saved: int
    tokens_saved: int = Field(description="What the model's decisions in like runs took.")
    tokens_used: int
    reward: ReflexReward


class ReflexList(Shape):
    items: list[ReflexShown]
