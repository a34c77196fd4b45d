"""A circuit breaker per tool: one that keeps failing is left alone for a while. Start with `GuardedTools.call`.

In the memory of the process: every worker learns for itself, and a restart forgets. Closed until so many failures in
a row; then open, so that nothing is sent; when its time is over half open, so that one call tries the tool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

from tools.errors import shorten
from tools.registry import ToolRegistry
from tools.types import Answer, Declined, InDoubt, JsonObject, JsonValue, Tool


@dataclass(frozen=True, kw_only=True)
class BreakerSettings:
    """When a tool is left alone, and for how long."""

    failures: int = 8
    """In a row: not reached, timeout, cut connection, 5xx. Each attempt of a call counts; a 4xx shows the tool well."""
    first_s: float = 5.0
    """How long it is left alone; doubled each time the one call that tries it fails."""
    longest_s: float = 120.0


@dataclass(frozen=True, kw_only=True)
class NotSent:
    """Nothing was sent to the tool, and why; for operators and deciders."""

    why: str


@dataclass(frozen=True, kw_only=True)
class BreakerState:
    """A breaker that is not closed."""

    state: Literal["open", "half_open"]
    """`half_open`: the next call tries the tool, or one does so at the moment."""
    failures: int
    """How many calls in a row failed."""
    error: str
    """Of the last one."""
    tried_again_at: datetime

    def shown(self) -> dict[str, JsonValue]:
        """As JSON."""
        return {**asdict(self), "tried_again_at": self.tried_again_at.isoformat().replace("+00:00", "Z")}

    def __str__(self) -> str:
        again = "it is being tried again"
        if self.state == "open":
            again = f"it is tried again at {self.tried_again_at:%Y-%m-%dT%H:%M:%SZ}"
        return f"the last {self.failures} calls failed (at last: {self.error}); {again}"


class GuardedTools:
    """The registered tools, each behind its breaker."""

    def __init__(self, registry: ToolRegistry, settings: BreakerSettings, clock: Callable[[], datetime]) -> None:
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._breakers: dict[str, _Breaker] = {}

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Name -> tool."""
        return self._registry.tools

    @property
    def degraded(self) -> tuple[str, ...]:
        """A line per source that works from what it knew earlier."""
        return self._registry.degraded

    @property
    def resting(self) -> Mapping[str, BreakerState]:
        """The breakers that are not closed, by tool."""
        now = self._clock()
        states = {name: self._state(breaker, now) for name, breaker in self._breakers.items()}
        return {name: state for name, state in states.items() if state is not None}

    async def call(self, name: str, arguments: JsonObject, key: str) -> Answer | NotSent:
        """Call a tool once under its idempotency key, unless its breaker keeps it back."""
        breaker = self._breakers.setdefault(name, _Breaker())
        state = self._state(breaker, self._clock())
        if state is not None and (state.state == "open" or breaker.tries):
            return NotSent(why=f"{name} is not called at present: {state}")
        tries = state is not None
        breaker.tries = tries
        try:
            answer = await self._registry.call(name, arguments, key)
        finally:
            if tries:
                breaker.tries = False
        self._note(breaker, answer, tries=tries)
        return answer

    def _state(self, breaker: _Breaker, now: datetime) -> BreakerState | None:
        if breaker.until is None:
            return None
        # A wait longer than the period means that the clock was set back: it must not keep the tool away for hours.
        left_s = (breaker.until - now).total_seconds()
        is_open = not breaker.tries and 0 < left_s <= breaker.period_s
        return BreakerState(
            state="open" if is_open else "half_open",
            failures=breaker.failures,
            error=breaker.error,
            tried_again_at=breaker.until,
        )

    def _note(self, breaker: _Breaker, answer: Answer, *, tries: bool) -> None:
        """What an answer tells of the tool. One to a call from before the breaker opened can only close it."""
        if isinstance(answer, Declined) and answer.tells == "nothing":
            return
        if not (isinstance(answer, InDoubt) or (isinstance(answer, Declined) and answer.tells == "unwell")):
            breaker.failures, breaker.error, breaker.until, breaker.period_s = 0, "", None, 0.0
            return
        breaker.failures += 1
        breaker.error = shorten(answer.error, 300)
        if breaker.until is None and breaker.failures >= self._settings.failures:
            self._open(breaker, self._settings.first_s)
        elif breaker.until is not None and tries:
            self._open(breaker, breaker.period_s * 2)

    def _open(self, breaker: _Breaker, period_s: float) -> None:
        breaker.period_s = min(period_s, self._settings.longest_s)
        breaker.until = self._clock() + timedelta(seconds=breaker.period_s)


@dataclass
class _Breaker:
    failures: int = 0
    error: str = ""
    until: datetime | None = None
    """None: closed."""
    period_s: float = 0.0
    tries: bool = False
    """One call has been let through and has not ended."""
