"""`segue tools`: what is registered, and what a service offers. Start with `preview`."""

# No postponed annotations here: typer reads them while the commands are made.

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.arguments import rows_of
from api.commands.listing import Listing, show_items
from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import CommandError, Screen, clean, line, reported

if TYPE_CHECKING:
    from agent.portfolio.importing import NewSource
    from tools.offer import Offer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Registered tools, and what a service offers.", no_args_is_help=True)
    group.command("list")(list_tools)
    group.command("preview")(preview)
    app.add_typer(group, name="tools")


def list_tools(url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List the tools with their governance."""
    show_items(TOOLS, lambda client: client.items("/v1/tools"), url, key, as_json)


def preview(
    address: Annotated[str, typer.Argument(help="Of an OpenAPI document in JSON.")],
    portfolio: Annotated[
        list[Path] | None,
        typer.Option(
            "--portfolio",
            envvar="SEGUE_PORTFOLIO",
            help="Portfolio file the tools are for; several times for several. Shows names that are in use.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the source.", show_default=False)] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", help="'NAME: VALUE' to ask the document with; kept nowhere.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the lines for a portfolio file, with all that can be called.")
    ] = False,
) -> None:
    """Show what tools a service would give, asking its document only. Exit code 1: it, or the lines, cannot be used."""
    from agent.portfolio.importing import problems
    from tools.offer import OfferError, read_offer

    if as_json and as_yaml:
        raise typer.BadParameter("gives one form; give either --json or --yaml", param_hint="--yaml")
    files, screen = tuple(portfolio or ()), Screen()
    with reported(OfferError):
        offer = asyncio.run(read_offer(address, _headers(header or ())))
        source = _source(offer, files, name)
    if as_json:
        screen.json(_shown(source))
    elif as_yaml:
        _print_lines(screen, source, problems(source, files, os.environ))
    else:
        _print(screen, source)


def _source(offer: "Offer", files: tuple[Path, ...], name: str | None) -> "NewSource":
    """All that can be called, as one source for these files."""
    from agent.portfolio.importing import NewSource, Taken, propose, source_name
    from agent.portfolio.load import PortfolioError, load_portfolio
    from agent.portfolio.sources import listed_tools

    taken = Taken()
    if files:
        try:
            known = load_portfolio(files, os.environ)
        except PortfolioError as error:
            raise CommandError(str(error)) from error
        taken = Taken(
            tools={tool.name for source in known.sources for tool in listed_tools(source)},
            steps={step.name for chain in known.chains for step in chain.steps},
            sources={source.name for source in known.sources},
        )
    return NewSource(name=name or source_name(offer, taken), offer=offer, tools=propose(offer, taken))


def _headers(given: list[str] | tuple[()]) -> dict[str, str]:
    found = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon or not name.strip() or not one.isascii() or not one.isprintable():
            raise typer.BadParameter("is no 'NAME: VALUE' in one line of plain characters", param_hint="--header")
        found[name.strip()] = value.strip()
    return found


def _shown(source: "NewSource") -> dict[str, Any]:
    made = {tool.operation.address: tool for tool in source.tools}
    items = []
    for one in source.offer.operations:
        tool = made.get(one.address)
        items.append(
            {
                "operation": one.address,
                "tool": None if tool is None else tool.name,
                "effect": one.effect,
                "risk": None if tool is None else tool.risk,
                "description": one.description,
                "parameters": one.parameters,
                "problem": one.problem,
                "name_in_use_by": None if tool is None else tool.clash,
            }
        )
    return {"source": source.name, "address": source.offer.address, "base_url": source.offer.base, "items": items}


def _print_lines(screen: Screen, source: "NewSource", found: tuple[str, ...]) -> None:
    from agent.portfolio.importing import written

    with reported():
        if found:
            raise CommandError("\n".join(found))
    screen.console.file.write(written(source))


def _print(screen: Screen, source: "NewSource") -> None:
    offer = source.offer
    made = {tool.operation.address: tool for tool in source.tools}
    screen.say(f"{line(offer.title) or 'A service'}, called at {offer.base}: {len(offer.operations)} operations")
    rows = []
    for one in offer.operations:
        tool = made.get(one.address)
        if tool is None or one.parameters is None:
            rows.append((one.address, "-", "-", "-", f"cannot be called: {one.problem}"))
            continue
        arguments = ", ".join(row.name if row.needed else f"[{row.name}]" for row in rows_of(one.parameters))
        clash = f"the name is in use by a {tool.clash}; " if tool.clash else ""
        rows.append((one.address, tool.name, one.effect, arguments, clash + line(one.description, 120)))
    screen.table(("operation", "tool", "effect", "arguments", "about"), rows, "The document has no operations.")
    if made:
        screen.say(f"Effects are guessed. The lines for a portfolio: segue tools preview {clean(offer.address)} --yaml")


def _row(tool: dict[str, Any]) -> tuple[object, ...]:
    return (
        tool.get("name"),
        tool.get("effect"),
        tool.get("risk"),
        "yes" if tool.get("idempotent") else "no",
        tool.get("step") or "",
        tool.get("owner") or "",
        ", ".join(map(str, tool.get("events") or ())),
    )


TOOLS = Listing(
    columns=("tool", "effect", "risk", "idempotent", "step", "owner", "events"),
    row=_row,
    empty="No tool is registered.",
)
