"""`segue memory`: what is remembered, how it does, and the index made anew. One file per kind of question."""

import typer

from api.commands.memory import lessons
from api.commands.memory.changes import list_changes
from api.commands.memory.curve import show_curve
from api.commands.memory.episodes import search_memory, show_memory
from api.commands.memory.map import map_memory
from api.commands.memory.outcomes import list_outcomes
from api.commands.memory.rebuild import rebuild
from api.commands.memory.reflex import show_reflex
from api.commands.memory.sources import list_sources, restore_source, revoke_source
from api.commands.memory.tidy import keep_episode, tidy_memory
from api.commands.memory.uplift import show_uplift, switch_off, switch_on
from api.commands.memory.value import value_policies


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What is remembered.", no_args_is_help=True)
    group.command("show")(show_memory)
    group.command("search")(search_memory)
    group.command("map")(map_memory)
    group.command("value")(value_policies)
    group.command("uplift")(show_uplift)
    group.command("curve")(show_curve)
    group.command("off")(switch_off)
    group.command("on")(switch_on)
    group.command("outcomes")(list_outcomes)
    group.command("sources")(list_sources)
    group.command("revoke")(revoke_source)
    group.command("restore")(restore_source)
    group.command("changes")(list_changes)
    group.command("reflex")(show_reflex)
    group.command("tidy")(tidy_memory)
    group.command("keep")(keep_episode)
    group.command("rebuild")(rebuild)
    lessons.register(group)
    app.add_typer(group, name="memory")
