"""What waits for a person, as answers show it."""

# No postponed annotations here: pydantic reads them while the classes are made.

from pydantic import Field

from agent.store.assignments import Kind
from agent.store.waits import WaitKind
from api.shape import Shape


class Assigned(Shape):
    """Who takes care of something."""

    to: str
    by: str = Field(description="Who said so.")
    since: str


class AssignmentShown(Shape):
    kind: Kind
    id: str
    assigned: Assigned | None


class Waits(Shape):
    """One thing that waits."""

    kind: WaitKind
    assigned_as: Kind | None = Field(description="The kind in the path that assigns it; null for a pause.")
    id: str
    since: str
    run: str | None
    subject: str | None
    type: str | None
    tool: str | None
    says: str = Field(description="A question's words, an error, a reason.")
    held: int = Field(description="Runs that a pause holds.")
    assigned: Assigned | None


class Inbox(Shape):
    items: list[Waits]
