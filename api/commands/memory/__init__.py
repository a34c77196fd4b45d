"""`segue memory`: what is remembered, how it does, and the index made anew. One file per kind of question."""

import typer

from api.commands.memory.episodes import search_memory, show_memory
from api.commands.memory.rebuild import rebuild
from api.commands.memory.reflex import show_reflex


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What is remembered.", no_args_is_help=True)
    group.command("show")(show_memory)
    group.command("search")(search_memory)
    group.command("reflex")(show_reflex)
    group.command("rebuild")(rebuild)
    app.add_typer(group, name="memory")
