"""The form of a portfolio file, as pydantic models. One class per section;
`entries.read_entries` applies them, and equal names over files are found when the files are merged."""

# No postponed annotations here: pydantic reads them while the classes are made.

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MAX_SECONDS = 3_650 * 86_400.0
NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
EVENT_TYPE = r"^[A-Za-z0-9][A-Za-z0-9_./:-]{0,199}$"
FUNCTION = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
_WINDOW = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])")
_RATE = re.compile(r"(\d{1,7})\s*/\s*(\S.*)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def _web_address(value: str) -> str:
    if not re.match(r"https?://[^/\s?#]+[^\s]*\Z", value):
        raise ValueError("is no http:// or https:// address")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is a truth value, not a number")  # noqa: TRY004  pydantic turns only ValueError into a mistake
    return value


def _expression(value: object) -> object:
    """A number or truth value in YAML is the CEL literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else value


def _window(value: object) -> float:
    found = _WINDOW.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError("is no duration")
    return seconds


def _rate(value: object) -> tuple[int, float]:
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    starts = int(found[1]) if found else 0
    if found is None or starts < 1:
        raise ValueError("is no rate")
    try:
        return starts, _window(found[2])
    except ValueError:
        raise ValueError("is no rate") from None


def _one_line(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("is not printable ASCII")
    return value


Name = Annotated[str, StringConstraints(pattern=NAME)]
EventName = Annotated[str, StringConstraints(pattern=EVENT_TYPE)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True)]
Description = Annotated[str, StringConstraints(max_length=8_000, strip_whitespace=True)]
WebAddress = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_web_address)]
Header = Annotated[str, StringConstraints(pattern=HEADER)]
HeaderValue = Annotated[str, StringConstraints(max_length=8_000), AfterValidator(_one_line)]
Function = Annotated[str, StringConstraints(pattern=FUNCTION, max_length=500)]
Cel = Annotated[str, BeforeValidator(_expression)]
Window = Annotated[float, BeforeValidator(_window)]
Rate = Annotated[tuple[int, float], BeforeValidator(_rate)]
Amount = Annotated[float, BeforeValidator(_number)]
Count = Annotated[int, BeforeValidator(_number)]


class Form(BaseModel):
    """Unknown keys are mistakes, and so are infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=False)


class GoalForm(Form):
    weight: Amount = Field(1.0, gt=0, le=1e6)
    description: Description = ""


class StepForm(Form):
    name: Name
    description: Description = ""


class ChainForm(Form):
    name: Name
    description: Description = ""
    steps: list[StepForm] = Field(min_length=1)


class GovernanceForm(Form):
    """What may be said for a tool or for all tools of a source; what is absent is taken from the next wider place."""

    owner: Description | None = None
    unit: Description | None = None
    step: Name | None = None
    effect: Literal["read", "write"] | None = None
    risk: Literal["low", "medium", "high"] | None = None
    idempotent: bool | None = None
    timeout_s: Amount | None = Field(None, gt=0, le=3600)


class ToolForm(GovernanceForm):
    choice: list[Words] = []
    verify: Cel | None = None
    operation: Words | None = None
    description: Words | None = None


class SourceForm(Form):
    name: Name
    openapi: WebAddress | None = None
    base_url: WebAddress | None = None
    headers: dict[Header, HeaderValue] = {}
    python: dict[Name, Function] | None = None
    defaults: GovernanceForm = GovernanceForm()
    tools: dict[Name, Annotated[ToolForm, BeforeValidator(lambda value: {} if value is None else value)]] | None = None


class PurposeForm(Form):
    purpose: Words
    step: Name
    when: Cel | None = None


class LimitsForm(Form):
    decisions: Count = Field(12, ge=1, le=1_000)
    calls: Count = Field(40, ge=1, le=10_000)
    seconds: Amount = Field(600.0, gt=0, le=30 * 86_400)
    tokens: Count = Field(200_000, ge=1, le=100_000_000)


class DebounceForm(Form):
    quiet: Window
    longest: Window


class QueueForm(Form):
    """How runs wait; `queueing.build_queueing` checks what its keys say together."""

    priority: Count = Field(0, ge=-9, le=9)
    delay: Window | None = None
    ttl: Window | None = None
    debounce: DebounceForm | None = None
    concurrency: Count | None = Field(None, ge=1, le=100_000)
    rate: Rate | None = None
    attempts: Count = Field(3, ge=1, le=100)


class ReflexForm(Form):
    """When a proven plan is used again without asking the chat model."""

    checked: Amount = Field(0.05, ge=0, le=1)
    episodes: Count = Field(5, ge=2, le=1_000)
    lower: Amount = Field(0.7, ge=0.5, lt=1)
    margin: Amount = Field(0.1, ge=0, le=1)


class LearningForm(Form):
    """How an event type learns."""

    control: Amount = Field(0.0, ge=0, le=0.5)
    explore: Amount = Field(0.0, ge=0, le=0.5)
    reflex: ReflexForm | None = None


class EventForm(Form):
    description: Description = ""
    schema_: dict[str, object] | None = Field(None, alias="schema")
    schema_file: str | None = None
    text: Words
    features: dict[Name, str] = {}
    allow: list[str] = []
    bind: dict[Words, str] = {}
    playbook: list[PurposeForm] | None = None
    limits: LimitsForm = LimitsForm()
    queue: QueueForm = QueueForm()
    learning: LearningForm = LearningForm()


class JoinForm(Form):
    events: list[str] = []
    window: Window = 30 * 86_400.0


class OutcomeForm(Form):
    description: Description = ""
    schema_: dict[str, object] | None = Field(None, alias="schema")
    schema_file: str | None = None
    join: JoinForm = JoinForm()
    grade: dict[Name, Cel] = Field(min_length=1)
