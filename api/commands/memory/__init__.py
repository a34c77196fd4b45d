"""`segue memory`: what is remembered, how it does, and the index made anew. One file per kind of question."""

import typer

from api.commands.memory import lessons
from api.commands.memory.episodes import search_memory, show_memory
from api.commands.memory.rebuild import rebuild


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What is remembered.", no_args_is_help=True)
    group.command("show")(show_memory)
    group.command("search")(search_memory)
    group.command("rebuild")(rebuild)
    lessons.register(group)
    app.add_typer(group, name="memory")
