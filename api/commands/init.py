"""`segue init`: a portfolio to start with."""

# No postponed annotations here: typer reads them while the commands are made.

import shlex
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import AsJson
from api.terminal import Screen, reported

EVENT = """--type order.late --subject ann --data '{"order_id": "o-101", "days_late": 3}' --wait"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to; made if need be.", show_default="here")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a commented portfolio that runs, with a few tools of its own. Nothing is overwritten."""
    from api.starter import StarterError, write_starter

    screen = Screen()
    with reported(StarterError):
        written = write_starter(folder)
    if as_json:
        screen.json([str(path) for path in written])
        return
    screen.say("Written: " + ", ".join(map(str, written)))
    screen.say("Next:")
    if folder != Path():
        screen.say(f"  cd {shlex.quote(str(folder))}")
    screen.say("  segue doctor --portfolio portfolio.yaml")
    screen.say("  segue serve --portfolio portfolio.yaml      keep it running, and go on in another terminal")
    screen.say(f"  segue send {EVENT}")
    screen.say("  segue runs show RUN                         RUN is the id that send prints")
    screen.say("  python shop_tools.py                        what the tools have done")
