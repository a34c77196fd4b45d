"""A case as its file states it: what is given, what happens, what must hold in the world afterwards. Start with `Case`.

One YAML file is one case; its folder is its world. Conditions are CEL over `calls` (by write tool, the arguments of
each call that changed the world, in order) and `state` (the world's state, rows that concern the case only).
"""

# No postponed annotations here: pydantic reads them while the classes are made.

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.expressions import Expression, ExpressionError
from evals.worlds.kit.faults import Mode

CASES = Path(__file__).parent / "cases"
VARIABLES = frozenset({"calls", "state"})

Kind = Literal["usual", "skip", "add", "other_tool", "nothing", "hostile", "fault"]
"""What is special: a usual step falls away, one is added, another tool serves it, nothing is to be done, the text
is hostile, a tool fails. `usual` for none of these."""


class CaseError(Exception):
    """A case file cannot be used; says which, and what is wrong with it."""


def _condition(source: str) -> str:
    try:
        Expression.parse(source, VARIABLES)
    except ExpressionError as error:
        raise ValueError(str(error)) from error
    return source


Condition = Annotated[str, AfterValidator(_condition)]
Call = dict[str, dict[str, Any]]
"""One tool with its arguments: `{open_case: {team: harbour}}`."""


class Form(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CaseFault(Form):
    """A tool that fails while the case is played; the modes are those of `/_world/fault`."""

    tool: str
    mode: Mode = "fail"
    seconds: float = 30.0
    times: int | None = None


class CaseEvent(Form):
    """An event as a system would send it, and the calls that answer it rightly, in order."""

    type: str
    subject: str
    data: dict[str, Any]
    id: str | None = None
    """Of its own where none is given; an equal one is a redelivery."""
    solution: list[Call] = []


class Case(Form):
    """One case."""

    name: str
    world: str
    about: str
    kinds: list[Kind]
    given: dict[str, Any] = {}
    faults: list[CaseFault] = []
    events: list[CaseEvent] = Field(min_length=1)
    operator: dict[str, Literal["approve", "reject"]] = {}
    """What the operator says to an approval, by tool; questions stay unanswered."""
    must: list[Condition] = []
    must_not: list[Condition] = []
    writes: list[str] | None = None
    """Tools that may change the world; by default those of the solution. Any other change is wrong."""
    may_ask: bool = False
    """Whether a run may end with a question to an operator, everything else done."""
    repeatable: list[str] = []
    """Tools that may act more often than the solution calls them."""

    def event_id(self, number: int) -> str:
        """Id of the event at a place, from 0."""
        return self.events[number].id or f"{self.name}-{number + 1}"

    def solution_of(self, event_id: str) -> list[Call]:
        """The calls that answer an event rightly."""
        numbers = [number for number in range(len(self.events)) if self.event_id(number) == event_id]
        return self.events[numbers[0]].solution if numbers else []

    @property
    def acts(self) -> bool:
        """Whether something must be done."""
        return any(event.solution for event in self.events)

    @property
    def right_tools(self) -> frozenset[str]:
        """Tools the solution calls."""
        return frozenset(tool for event in self.events for call in event.solution for tool in call)

    @property
    def allowed_writes(self) -> frozenset[str]:
        """Tools that may change the world."""
        return self.right_tools if self.writes is None else frozenset(self.writes)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Case":
        if self.acts == ("nothing" in self.kinds):
            raise ValueError("exactly the cases of kind 'nothing' have no solution")
        if self.acts and not self.must:
            raise ValueError("a case that must act says in 'must' what holds afterwards")
        if any(len(call) != 1 for event in self.events for call in event.solution):
            raise ValueError("each step of 'solution' is one tool with its arguments")
        return self


def load_cases(worlds: Sequence[str], folder: Path = CASES) -> list[Case]:
    """All cases of these worlds, ordered by world and name. Raises `CaseError` naming every file that is wrong."""
    cases: list[Case] = []
    problems: list[str] = []
    for world in worlds:
        for path in sorted((folder / world).glob("*.yaml")):
            try:
                cases.append(read_case(path, world))
            except CaseError as error:
                problems.append(str(error))
    if problems:
        raise CaseError("\n".join(problems))
    if not cases:
        raise CaseError(f"There are no cases of {', '.join(worlds)} in {folder}.")
    return cases


def read_case(path: Path, world: str) -> Case:
    """One file. Raises `CaseError`."""
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise CaseError(f"{path.name}: {error}") from error
    if not isinstance(stated, dict):
        raise CaseError(f"{path.name}: a case is a mapping with 'about', 'events', 'must' ...")
    try:
        return Case.model_validate({**stated, "name": path.stem, "world": world})
    except ValidationError as error:
        raise CaseError(f"{path.name}: {'; '.join(_mistakes(error))}") from error


def _mistakes(error: ValidationError) -> Iterator[str]:
    for mistake in error.errors():
        where = ".".join(str(part) for part in mistake["loc"])
        yield f"{where}: {mistake['msg']}" if where else str(mistake["msg"])
