"""Whether the portfolio can be used, and the environment variables it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.portfolio.load import LoadedPortfolio, PortfolioError, load_portfolio
from api.doctor.finding import Finding, Setup, failed, ok, warning

USUAL = Path("portfolio.yaml")


def look_at_configuration(setup: Setup) -> Iterator[Finding]:
    """The files, every mistake in them, and their variables."""
    if not setup.portfolio:
        yield _none_named()
        return
    environment = _Watched(setup.environment)
    try:
        portfolio = load_portfolio(setup.portfolio, environment)
    except PortfolioError as error:
        for mistake in error.mistakes:
            place = f"{mistake.file}: {mistake.path}" if mistake.path else mistake.file
            yield failed(f"{place}: {mistake.problem}", mistake.hint)
    else:
        yield _contents(setup, portfolio)
    if environment.asked:
        states = (f"{name} {'set' if there else 'not set'}" for name, there in sorted(environment.asked.items()))
        yield ok(f"environment variables of the portfolio: {', '.join(states)}")


class _Watched(Mapping[str, str]):
    """The environment, and which variables were asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.asked: dict[str, bool] = {}
        """Name -> whether it is set to something."""

    def __getitem__(self, name: str) -> str:
        self.asked[name] = bool(self._environment.get(name))
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)


def _none_named() -> Finding:
    if USUAL.is_file():
        return failed("no portfolio is named", f"There is one here: --portfolio {USUAL} (SEGUE_PORTFOLIO).")
    return failed("no portfolio is named", "Name one with --portfolio (SEGUE_PORTFOLIO), or write one: segue init.")


def _contents(setup: Setup, portfolio: LoadedPortfolio) -> Finding:
    counts = {
        "goals": portfolio.goals,
        "tool sources": portfolio.sources,
        "event types": portfolio.events,
        "outcome types": portfolio.outcomes,
    }
    files = ", ".join(map(str, setup.portfolio))
    text = f"{files}: {', '.join(f'{name} {len(things)}' for name, things in counts.items())}"
    if not portfolio.events or not portfolio.sources:
        return warning(text, "Add event types and tool sources: nothing can be done yet.")
    if not portfolio.outcomes:
        return warning(text, "Add an outcome type: without outcomes no decision is ever graded.")
    return ok(text)
