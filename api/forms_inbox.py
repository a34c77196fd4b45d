"""What requests about the inbox may say."""

# No postponed annotations here: pydantic reads them while the classes are made.

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.store.waits import WaitKind
from api.forms import Limit
from api.keyfile import Name


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InboxQuery(_Request):
    """What of all that waits."""

    kind: WaitKind | None = None
    whose: Annotated[Literal["all", "mine", "nobody"], Field(description="`mine`: what the caller takes care of.")] = (
        "all"
    )
    limit: Limit = 50


class AssignForm(_Request):
    """Who takes care of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    to: Name | None = Field(None, description="Name of a key; null for nobody. Left out: the caller.")
    held_by: Name | None = Field(None, alias="from", description="Who has it, as far as the caller knows.")
