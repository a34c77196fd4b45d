"""What answers about episodes and their map look like, for the OpenAPI document; as `api.shapes`."""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Literal

from pydantic import Field

from agent.stories import Verdict
from api.shape import Page, Shape
from api.shapes import EvidenceShown, OutcomeShown
from memory.types import Arm


class EpisodeActionShown(Shape):
    action: str
    tool: str
    decided_by: str
    propensity: float
    prior: float | None = Field(description="What was expected of it when it was chosen, from 0 to 1.")
    done: bool = Field(description="False: the tool turned it down.")
    verified: float | None = Field(description="Its own result as a reward; null: it has the run's, discounted.")
    later: int = Field(description="Decisions of the run after it that called something.")


class TidiedShown(Shape):
    """What housekeeping did with an episode."""

    state: Literal["member", "voice", "old", "harmful", "unused", "kept"] = Field(
        description="`member`: another speaks for it; `voice`: it speaks for a crowd; `kept`: an operator had it back."
    )
    since: str | None
    why: str | None
    voice: str | None = Field(description="The episode that speaks for its crowd.")
    kept_by: str | None = Field(description="Who had it back after it was forgotten.")


class EpisodeShown(Shape):
    id: str = Field(description="The run's id.")
    source: str
    event_id: str
    event_type: str
    subject: str
    text: str
    features: dict[str, str | int | float | bool]
    actions: list[EpisodeActionShown]
    declined: list[str]
    decided_by: str
    trust: float
    closed_at: str
    arm: Arm | None = Field(description="`control`: the run decided without memory.")
    swayed: bool | None = Field(description="Whether memory changes what is decided in it; null where nobody can say.")
    rewards: dict[str, float] = Field(description="Those that are heard, by goal; `*` is an operator's thumb.")
    revoked: bool = Field(description="Its source is revoked: it is kept, and never heard.")
    tidied: TidiedShown | None = Field(description="What housekeeping did with it; null: nothing.")


class FoundEpisode(EpisodeShown):
    similarity: float


class FoundEpisodes(Shape):
    items: list[FoundEpisode]


class EpisodePage(Page):
    items: list[EpisodeShown]


class EpisodeDecision(Shape):
    """A decision of the episode's run."""

    number: int
    reason: str
    decided_by: str
    decided_at: str
    actions: list[str]
    evidence: list[EvidenceShown]


class EpisodeUse(Shape):
    """A later run that had the episode among its evidence about an action."""

    run: str
    decided_at: str
    action: str
    advice: Literal["for", "against"] = Field(description="What the episode says of the action by now.")
    verdict: Verdict = Field(
        description="`not_followed`; or followed, and its run went well (`helped`), badly (`hurt`), or has no outcome "
        "yet (`open`)."
    )


class EpisodeUses(Shape):
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


class EpisodePoint(Shape):
    """An episode on the map."""

    x: float = Field(ge=-1, le=1)
    y: float = Field(ge=-1, le=1)
    episode: str
    actions: list[str]
    reward: float | None
    source: str
    subject: str
    closed_at: str
    text: str = Field(description="Its first 120 characters.")


class EpisodeMap(Shape):
    """Episodes of one event type in two dimensions."""

    type: str
    episodes: int = Field(description="How many there are of the type, without those of revoked sources.")
    not_indexed: int = Field(description="Episodes that have no place yet.")
    explained_variance: list[float] = Field(min_length=2, max_length=2, description="Share along x and along y.")
    points: list[EpisodePoint] = Field(description="Newest first.")


class TidiedKind(Shape):
    """What a round of housekeeping did to an event type so far, or would do."""

    type: str
    placed: int = Field(description="Episodes that were looked at for the first time.")
    crowds: int = Field(description="New crowds.")
    members: int = Field(description="Episodes that another now speaks for.")
    old: int = Field(description="Episodes forgotten as age has left too little of their weight.")
    harmful: int = Field(description="Episodes forgotten as runs that followed them went badly.")
    unused: int = Field(description="Episodes forgotten as there are too many, and nothing used them.")
    index_before: int = Field(description="Episodes the index was to hold as the round began.")
    index_after: int = Field(description="Once it is finished.")
    finished: bool = Field(description="False: ask again, and it goes on.")


class TidiedKinds(Shape):
    items: list[TidiedKind]


class KeptEpisode(Shape):
    id: str
    tidied: TidiedShown | None
