"""`segue memory`: what is remembered, how it does, and the index made anew. One file per kind of question."""

import typer

from api.commands.memory.episodes import search_memory, show_memory
from api.commands.memory.outcomes import list_outcomes
from api.commands.memory.rebuild import rebuild
from api.commands.memory.sources import list_sources, restore_source, revoke_source


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What is remembered.", no_args_is_help=True)
    group.command("show")(show_memory)
    group.command("search")(search_memory)
    group.command("outcomes")(list_outcomes)
    group.command("sources")(list_sources)
    group.command("revoke")(revoke_source)
    group.command("restore")(restore_source)
    group.command("rebuild")(rebuild)
    app.add_typer(group, name="memory")
