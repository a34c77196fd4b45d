"""From what a service offers to lines for a portfolio file. Start with `propose`, then `written` and `problems`.

Nothing is added to a running Segue: a portfolio is read at its start.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from agent.portfolio.load import PortfolioError, load_portfolio
from tools.offer import Offer, Offered
from tools.selection import ToolSelection
from tools.types import JsonValue, Risk, ToolEffect

FILE = "new lines"
"""What messages call lines that are in no file yet."""
LONGEST = 64


@dataclass(frozen=True, kw_only=True)
class NewTool:
    """An operation, and what the company would say of it as a tool."""

    operation: Offered
    name: str
    effect: ToolEffect
    risk: Risk
    step: str | None = None
    idempotent: bool = False
    clash: str | None = None
    """What has this name already."""


@dataclass(frozen=True, kw_only=True)
class NewSource:
    """A source of tools as a portfolio would list it."""

    name: str
    offer: Offer
    tools: Sequence[NewTool]
    owner: str = ""
    unit: str = ""
    timeout_s: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Names that are in use."""

    tools: Collection[str] = ()
    steps: Collection[str] = ()
    sources: Collection[str] = ()

    def by(self, name: str) -> str | None:
        """What has it."""
        return "tool" if name in self.tools else "step" if name in self.steps else None


def propose(offer: Offer, taken: Taken) -> tuple[NewTool, ...]:
    """Every operation that can be called, with a name that fits and an effect and a risk guessed by its method.

    What reads has low risk, what deletes high, everything else medium: a guess, as a document says nothing of either.
    """
    found: list[NewTool] = []
    names: set[str] = set()
    for one in offer.operations:
        if one.parameters is None:
            continue
        name = _unused(fit_name(one.name), names)
        names.add(name)
        risk: Risk = "low" if one.effect == "read" else "high" if one.method == "DELETE" else "medium"
        found.append(NewTool(operation=one, name=name, effect=one.effect, risk=risk, clash=taken.by(name)))
    return tuple(found)


def source_name(offer: Offer, taken: Taken) -> str:
    """A name for the source that no other one has, by the document's title."""
    return _unused(fit_name(offer.title.lower()), set(taken.sources))


def fit_name(text: str) -> str:
    """The same in letters, digits, `_` and `-`, with a letter or `_` first."""
    made = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")[:LONGEST]
    return made if re.match(r"[A-Za-z_]", made) else f"_{made}"[:LONGEST] if made else "service"


def _unused(name: str, names: Collection[str]) -> str:
    number, made = 2, name
    while made in names:
        made = f"{name[: LONGEST - 5]}_{number}"
        number += 1
    return made


def written(source: NewSource) -> str:
    """A portfolio file with the source alone; its entry may also stand under `sources` of another file."""
    entry: dict[str, JsonValue] = {"name": source.name, "openapi": _plain(source.offer.address)}
    defaults = {
        "owner": _plain(source.owner.strip()),
        "unit": _plain(source.unit.strip()),
        "timeout_s": int(source.timeout_s) if source.timeout_s == int(source.timeout_s) else source.timeout_s,
    }
    entry["defaults"] = {key: value for key, value in defaults.items() if value != ""}
    entry["tools"] = {tool.name: _tool(tool, source.offer) for tool in source.tools}
    return yaml.safe_dump({"segue": 1, "sources": [entry]}, sort_keys=False, allow_unicode=True, width=120)


def _tool(tool: NewTool, offer: Offer) -> JsonValue:
    said: dict[str, JsonValue] = {}
    if not offer.finds(tool.name, tool.operation):
        said["operation"] = _plain(tool.operation.written or tool.operation.address)
    if tool.step:
        said["step"] = _plain(tool.step)
    said |= {"effect": tool.effect, "risk": tool.risk}
    return {**said, "idempotent": True} if tool.idempotent else said


def _plain(text: str) -> str:
    """Text in which no variable is filled in."""
    return text.replace("${", "$${")


def problems(
    source: NewSource, files: Sequence[Path], environment: Mapping[str, str], running: Collection[str] = ()
) -> tuple[str, ...]:
    """Every mistake that a portfolio of these files and the new lines would have; none: it loads.

    `running` are names of tools that are registered, also those that no file lists.
    """
    if not source.tools:
        return (f"{FILE}: no operation is taken. Take at least one.",)
    names = [tool.name for tool in source.tools]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return (f"{FILE}: two tools have the name {twice[0]!r}. Rename one of them.",)
    with TemporaryDirectory(prefix="segue-import-") as folder:
        file = Path(folder) / "new.yaml"
        file.write_text(written(source), encoding="utf-8")
        try:
            load_portfolio([*files, file], environment)
        except PortfolioError as error:
            return tuple(
                str(replace(one, file=one.file.replace(str(file), FILE), problem=one.problem.replace(str(file), FILE)))
                for one in error.mistakes
            )
    clashing = sorted(set(running) & set(names))
    if clashing:
        return (f"{FILE}: a tool {clashing[0]!r} is registered already. Give the new one another name.",)
    selections = {
        tool.name: ToolSelection(operation=tool.operation.written or tool.operation.address) for tool in source.tools
    }
    unfit = source.offer.mistakes(source.name, selections)
    return () if unfit is None else (unfit,)
