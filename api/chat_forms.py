"""What a client of the chat sends: an input of AG-UI, as far as Segue uses it. Start with `ChatForm`.

The format is AG-UI's, so what Segue does not use (state, the client's own tools, context) is taken and ignored, and
what a plain client leaves out has a default.
"""

# No postponed annotations here: pydantic reads them while the classes are made.

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from agent.ids import new_id
from agent.operating.types import Said
from agent.operators import MOST_CHARS

MOST_MESSAGES = 400
Id = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


class _Part(_Foreign):
    type: str
    text: str = ""


class _Message(_Foreign):
    role: Literal["developer", "system", "assistant", "user", "tool", "activity", "reasoning"]
    content: str | list[_Part] | dict[str, Any] | None = None

    def words(self) -> str:
        """Its text; of several parts, those that are text."""
        if isinstance(self.content, str):
            return self.content
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return ""


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    approved: bool


class _Resume(_Foreign):
    interrupt_id: Id
    status: Literal["resolved", "cancelled"]
    payload: _Given | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "_Resume":
        if self.status == "resolved" and self.payload is None:
            raise ValueError('"resolved" needs a payload: {"approved": true} or {"approved": false}')
        return self

    @property
    def yes(self) -> bool:
        """Whether the operator said yes."""
        return self.status == "resolved" and self.payload is not None and self.payload.approved


class ChatForm(_Foreign):
    """An input of AG-UI: the conversation, its last message the operator's question; or `resume`."""

    thread_id: Id = Field(default_factory=new_id, description="The conversation; made up where it is left out.")
    run_id: Id = Field(default_factory=new_id, description="This answer; made up where it is left out.")
    messages: list[_Message] = Field(default=[], max_length=MOST_MESSAGES)
    resume: list[_Resume] | None = Field(None, max_length=20, description="Answers to the interrupts of the last run.")

    @model_validator(mode="after")
    def _asks(self) -> "ChatForm":
        if self.resume:
            ids = [one.interrupt_id for one in self.resume]
            if len(set(ids)) < len(ids):
                raise ValueError("an interrupt is answered twice in 'resume'")
            return self
        if not self.messages or self.messages[-1].role != "user":
            raise ValueError("the last of 'messages' must be the operator's own: role 'user'")
        words = self.messages[-1].words().strip()
        if not words:
            raise ValueError("the last message has no text; only text is understood")
        if len(words) > MOST_CHARS:
            raise ValueError(f"the last message has {len(words)} characters; at most {MOST_CHARS} are taken")
        return self

    def question(self) -> str:
        """What is asked."""
        return self.messages[-1].words().strip()

    def before(self) -> list[Said]:
        """The conversation up to the question, or all of it where something is confirmed."""
        said = self.messages if self.resume else self.messages[:-1]
        return [
            Said(role="operator" if one.role == "user" else "segue", text=words)
            for one in said
            if one.role in ("user", "assistant")
            for words in [one.words().strip()]
            if words
        ]

    def answers(self) -> Mapping[str, bool]:
        """Confirmation -> yes or no; empty where nothing is confirmed."""
        return {one.interrupt_id: one.yes for one in self.resume or ()}
