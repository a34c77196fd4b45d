"""What the values of policies look like, for the OpenAPI document. Start with `Values`."""

# No postponed annotations here: pydantic reads them while the classes are made.

from pydantic import Field

from api.shape import Shape
from memory.valuing import PolicyName


class EstimateShown(Shape):
    """A mean reward with its 95 % interval."""

    value: float
    low: float
    high: float


class ValueShown(Shape):
    """What a policy would have earned in the choices for one purpose, or why that cannot be said."""

    purpose: str | None
    policy: PolicyName
    choices: int = Field(description="Logged choices with an outcome in which any rival could have been taken.")
    unexplored: int = Field(description="Those left out, as nothing was explored in them.")
    mean_reward: float | None = Field(description="What the choices earned as they were made.")
    effective_sample_size: float | None
    ips: EstimateShown | None = Field(description="Inverse propensity scoring.")
    snips: EstimateShown | None = Field(description="The same, self-normalised.")
    doubly_robust: EstimateShown | None = Field(description="With the logged score as a model of the reward.")
    refused: str | None = Field(description="Why there is no estimate.")


class Values(Shape):
    type: str
    graded_runs: int
    refused: str | None = Field(description="Why there are no items.")
    items: list[ValueShown]
