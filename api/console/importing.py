"""What is being chosen on the page that looks at an address: pure data, no page. Start with `Choosing`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from agent.portfolio.importing import NewSource, NewTool, Taken, problems, propose, source_name, written
from agent.portfolio.sources import listed_tools
from agent.service import Segue
from tools.offer import Offer
from tools.types import Risk, ToolEffect

SHOWN = 50
"""Operations on the page at once; a filter finds the others."""
LONGEST = 500


@dataclass
class Choosing:
    """One document that an operator looks at."""

    offer: Offer
    proposed: Mapping[str, NewTool]
    """By `METHOD /path`; those that can be called."""
    source: NewSource
    taken: Taken
    files: Sequence[Path]
    chosen: dict[str, NewTool] = field(default_factory=dict)
    """In the order they were ticked."""

    @classmethod
    def begin(cls, segue: Segue, offer: Offer) -> Choosing:
        """Nothing is ticked yet."""
        portfolio = segue.portfolio
        taken = Taken(
            tools={str(tool["name"]) for tool in segue.tools()}
            | {tool.name for source in portfolio.sources for tool in listed_tools(source)},
            steps={step.name for chain in portfolio.chains for step in chain.steps},
            sources={source.name for source in portfolio.sources},
        )
        proposed = {tool.operation.address: tool for tool in propose(offer, taken)}
        source = NewSource(name=source_name(offer, taken), offer=offer, tools=())
        files = tuple(Path(file) for file in portfolio.files)
        return cls(offer=offer, proposed=proposed, source=source, taken=taken, files=files)

    @property
    def steps(self) -> list[str]:
        """Of all chains."""
        return sorted(self.taken.steps)

    def found(self, wanted: str) -> list[int]:
        """Places of the operations whose method, path, name or description has these words."""
        words = wanted.casefold().split()
        return [
            place
            for place, one in enumerate(self.offer.operations)
            if all(word in f"{one.address} {one.name} {one.description}".casefold() for word in words)
        ]

    def tick(self, address: str, wanted: bool) -> NewTool | None:
        """Take an operation, or leave it; what it would be as a tool if it is taken."""
        if not wanted or address not in self.proposed:
            self.chosen.pop(address, None)
            return None
        return self.chosen.setdefault(address, self.proposed[address])

    def tell_tool(self, address: str, given: Mapping[str, Any]) -> None:
        """What was written about a tool that is taken; what is none of the choices is left as it was."""
        tool = self.chosen.get(address)
        if tool is None:
            return
        effect, risk, step = (given.get(name) for name in ("effect", "risk", "step"))
        self.chosen[address] = replace(
            tool,
            name=_text(given, "name", tool.name),
            effect=cast("ToolEffect", effect) if effect in ("read", "write") else tool.effect,
            risk=cast("Risk", risk) if risk in ("low", "medium", "high") else tool.risk,
            step=step if isinstance(step, str) and step in self.taken.steps else None,
            idempotent=given.get("idempotent") == "yes",
        )

    def tell_source(self, given: Mapping[str, Any]) -> None:
        """What was written about all of them."""
        source = self.source
        try:
            timeout_s = float(_text(given, "timeout_s", ""))
        except ValueError:
            timeout_s = -1.0
        self.source = replace(
            source,
            name=_text(given, "name", source.name),
            owner=_text(given, "owner", source.owner),
            unit=_text(given, "unit", source.unit),
            timeout_s=timeout_s if 0 < timeout_s < float("inf") else -1.0,
        )

    def lines(self) -> tuple[str, tuple[str, ...]]:
        """Lines for a portfolio file, and what is wrong with them; reads the portfolio's files, so not on the loop."""
        source = replace(self.source, tools=tuple(self.chosen.values()))
        return written(source), problems(source, self.files, os.environ, self.taken.tools)


def _text(given: Mapping[str, Any], name: str, before: str) -> str:
    value = given.get(name)
    return value.strip()[:LONGEST] if isinstance(value, str) else before
