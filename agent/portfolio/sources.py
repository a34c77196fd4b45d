"""Goals, chains and tool sources of the portfolio, checked and built. Start with `build_sources`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.expressions import Expression, ExpressionError
from agent.portfolio.entries import Entry, clash
from agent.portfolio.form import ChainForm, GovernanceForm, SourceForm, ToolForm
from agent.portfolio.mistakes import MistakeList, Place, suggest
from agent.portfolio.model import Chain, OpenApiEntry, PythonEntry, Step, ToolEntry
from agent.verifying import VARIABLES
from tools.types import Governance


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The sources, and where each listed tool is written."""

    sources: tuple[OpenApiEntry | PythonEntry, ...]
    places: Mapping[str, Place]
    """Tool -> where it is listed."""
    listed: bool
    """Every source lists its tools, so that all are known without asking the sources."""

    def steps(self) -> dict[str, str | None]:
        """Listed tool -> the step it performs."""
        return {entry.name: entry.governance.step for source in self.sources for entry in listed_tools(source)}


def listed_tools(source: OpenApiEntry | PythonEntry) -> tuple[ToolEntry, ...]:
    """The tools a source lists in the portfolio; none where it stands for all it has."""
    return tuple(source.functions.values()) if isinstance(source, PythonEntry) else source.tools or ()


def build_chains(
    entries: Iterable[Entry[ChainForm]], mistakes: MistakeList
) -> tuple[tuple[Chain, ...], frozenset[str]]:
    """The chains and the names of all their steps, which are unique over chains."""
    chains = []
    places: dict[str, Place] = {}
    for entry in entries:
        for index, step in enumerate(entry.form.steps):
            place = entry.place.at("steps", index, "name")
            if step.name in places:
                clash("step", step.name, place, places[step.name], mistakes)
            places.setdefault(step.name, place)
        steps = tuple(Step(name=step.name, description=step.description) for step in entry.form.steps)
        chains.append(Chain(name=entry.name, description=entry.form.description, steps=steps))
    return tuple(chains), frozenset(places)


def build_sources(
    entries: Iterable[Entry[SourceForm]], steps: frozenset[str], all_steps: bool, mistakes: MistakeList
) -> Sources:
    """The sources with their tools; tool names are unique over sources."""
    builder = _Builder(steps, all_steps, mistakes)
    sources = [source for entry in entries if (source := builder.build(entry)) is not None]
    listed = all(isinstance(source, PythonEntry) or source.tools is not None for source in sources)
    return Sources(sources=tuple(sources), places=builder.places, listed=listed)


class _Builder:
    def __init__(self, steps: frozenset[str], all_steps: bool, mistakes: MistakeList) -> None:
        self.places: dict[str, Place] = {}
        self._steps = steps
        self._all_steps = all_steps
        self._mistakes = mistakes

    def build(self, entry: Entry[SourceForm]) -> OpenApiEntry | PythonEntry | None:
        form = entry.form
        self._check_step(form.defaults, entry.place.at("defaults"))
        if (form.openapi is None) == (form.python is None):
            problem = "the source has " + ("neither 'openapi' nor 'python'" if form.openapi is None else "both kinds")
            self._mistakes.add(entry.place, problem, "Give it exactly one of: openapi, python.")
            return None
        return self._openapi(entry, form.openapi) if form.openapi is not None else self._python(entry)

    def _openapi(self, entry: Entry[SourceForm], address: str) -> OpenApiEntry:
        form = entry.form
        tools = None
        if form.tools is not None:
            tools = tuple(
                self._tool(name, tool, entry, entry.place.at("tools", name)) for name, tool in form.tools.items()
            )
        return OpenApiEntry(
            name=entry.name,
            address=address,
            base_url=form.base_url,
            headers=dict(form.headers),
            tools=tools,
            defaults=_governance(form.defaults, GovernanceForm()),
        )

    def _python(self, entry: Entry[SourceForm]) -> PythonEntry:
        form = entry.form
        functions = form.python or {}
        for key in ("base_url", "headers"):
            if key in form.model_fields_set:
                self._mistakes.add(entry.place.at(key), "Python functions have no address", f"Remove {key!r}.")
        for name, tool in (form.tools or {}).items():
            place = entry.place.at("tools", name)
            if name not in functions:
                hint = suggest(name, functions, "List it under 'python'.")
                self._mistakes.add(place, f"'python' of this source has no function for {name!r}", hint)
            if tool.operation is not None:
                problem = "a Python function has no OpenAPI operation"
                self._mistakes.add(place.at("operation"), problem, "Remove 'operation'.")
        made: dict[str, ToolEntry] = {}
        for name, function in functions.items():
            place = entry.place.at("python", name)
            if function in made:
                problem = f"{function!r} is already the tool {made[function].name!r}"
                self._mistakes.add(place, problem, "Register a function once.")
            made[function] = self._tool(name, (form.tools or {}).get(name, ToolForm()), entry, place)
        return PythonEntry(name=entry.name, functions=made)

    def _tool(self, name: str, tool: ToolForm, entry: Entry[SourceForm], place: Place) -> ToolEntry:
        if name in self.places:
            clash("tool", name, place, self.places[name], self._mistakes)
        self.places.setdefault(name, place)
        if name in self._steps:
            self._mistakes.add(place, f"{name!r} is both a tool and a step", "Rename one of them.")
        self._check_step(tool, place)
        if len(set(tool.choice)) < len(tool.choice):
            self._mistakes.add(place.at("choice"), "an argument is named twice", "Name each argument once.")
        if tool.verify is not None:
            self._check_verify(tool.verify, entry.place.at("tools", name, "verify"))
        governance = _governance(tool, entry.form.defaults)
        return ToolEntry(name=name, operation=tool.operation, description=tool.description, governance=governance)

    def _check_verify(self, source: str, place: Place) -> None:
        problem = None
        try:
            if Expression.parse(source, VARIABLES).is_constant:
                problem = f"{source!r} reads nothing, so that every call would be worth the same"
        except ExpressionError as error:
            problem = str(error)
        if problem is not None:
            hint = "Write a condition or a number from 0 to 1 over 'arguments' and 'result', as in result.confirmed."
            self._mistakes.add(place, problem, hint)

    def _check_step(self, form: GovernanceForm, place: Place) -> None:
        if form.step is not None and form.step not in self._steps and self._all_steps:
            hint = suggest(form.step, self._steps, "Write a chain with this step.")
            self._mistakes.add(place.at("step"), f"there is no step {form.step!r} in a chain", hint)


def _governance(own: GovernanceForm, defaults: GovernanceForm) -> Governance:
    """The tool's own words, else the source's, else those of `Governance`."""
    said = defaults.model_dump(exclude_none=True) | own.model_dump(exclude_none=True)
    return Governance(
        owner=said.get("owner", ""),
        unit=said.get("unit", ""),
        step=said.get("step"),
        effect=said.get("effect", "write"),
        risk=said.get("risk", "low"),
        idempotent=said.get("idempotent", False),
        timeout_s=said.get("timeout_s", 30.0),
        choice=tuple(said.get("choice", ())),
        verify=said.get("verify"),
    )
