"""What answers about single episodes and their map look like, for the OpenAPI document; as `api.shapes`."""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.stories import Verdict
from api.shapes import EpisodeShown, EvidenceShown, OutcomeShown


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EpisodeEvidence(EvidenceShown):
    """What memory said about one action when the episode's own run was decided."""

    surprise: float


class EpisodeDecision(_Shape):
    """A decision of the episode's run."""

    number: int
    reason: str
    decided_by: str
    decided_at: str
    actions: list[str]
    evidence: list[EpisodeEvidence]


class EpisodeUse(_Shape):
    """A later run that had the episode among its evidence about an action."""

    run: str
    decided_at: str
    action: str
    advice: Literal["for", "against"] = Field(description="What the episode says of the action by now.")
    verdict: Verdict = Field(
        description="`not_followed`; or followed, and its run went well (`helped`), badly (`hurt`), or has no outcome "
        "yet (`open`)."
    )


class EpisodeUses(_Shape):
    """How often it was used since, and how those runs turned out."""

    runs_looked_at: int
    all_looked_at: bool = Field(description="False where more runs of the type came after it than are looked at.")
    helped: int
    hurt: int
    not_followed: int
    open: int
    latest: list[EpisodeUse] = Field(description="The latest 50, newest first.")


class EpisodeStory(EpisodeShown):
    """An episode, whole."""

    reward: float | None = Field(description="Its rewards by the goals' weights; null until an outcome has come.")
    indexed: bool = Field(description="Whether the index holds it; until then it is found from memory.")
    decisions: list[EpisodeDecision] = Field(description="Of its run; empty where that was removed.")
    outcomes: list[OutcomeShown]
    uses: EpisodeUses


class EpisodePoint(_Shape):
    """An episode on the map."""

    x: float = Field(ge=-1, le=1)
    y: float = Field(ge=-1, le=1)
    episode: str
    actions: list[str]
    reward: float | None
    subject: str
    closed_at: str
    text: str = Field(description="Its first 120 characters.")


class EpisodeMap(_Shape):
    """Episodes of one event type in two dimensions."""

    type: str
    episodes: int = Field(description="How many there are of the type.")
    not_indexed: int = Field(description="Episodes that have no place yet.")
    explained_variance: list[float] = Field(min_length=2, max_length=2, description="Share along x and along y.")
    points: list[EpisodePoint] = Field(description="Newest first.")
