"""What answers about uplift and memory switched off look like, for the OpenAPI document."""

# No postponed annotations here: pydantic reads them while the classes are made.

from pydantic import Field

from agent.store.switches import SwitchState
from api.shape import Shape
from memory.uplift import Verdict


class SwitchShown(Shape):
    """Whether memory is on for an event type, and who switched it last; null where it was never switched off."""

    type: str
    state: SwitchState
    by: str | None = Field(description="`segue` where it was switched off because it did harm.")
    reason: str | None
    since: str | None


class Switches(Shape):
    items: list[SwitchShown]


class ArmCounts(Shape):
    memory: int
    control: int


class ArmMeans(Shape):
    memory: float | None
    control: float | None


class IntervalShown(Shape):
    low: float
    high: float


class UpliftShown(Shape):
    """Runs with memory beside runs without it, of those since memory was last switched."""

    type: str
    control: float = Field(description="Share of runs that decide without memory; with it, while memory is off.")
    memory: SwitchShown
    runs: ArmCounts
    graded: ArmCounts
    reward: ArmMeans = Field(description="Mean rewards, by the goals' present weights.")
    share_swayed: float | None = Field(description="Share of graded runs in which memory changes what is decided.")
    difference: float | None = Field(
        description="What memory adds to the mean reward, by the runs that it sways: less noisy than the means."
    )
    interval: IntervalShown | None = Field(description="Ordinary 95 % interval, right if it is looked at once.")
    anytime_interval: IntervalShown | None = Field(description="95 % interval that may be looked at again and again.")
    verdict: Verdict


class Uplifts(Shape):
    items: list[UpliftShown]
