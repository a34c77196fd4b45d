"""`segue console screenshots`: what the console looks like."""

# No postponed annotations here: typer reads them while the commands are made.

from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Url
from api.terminal import CommandError, Screen, line, reported


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The web console.", no_args_is_help=True)
    group.callback()(_group)
    group.command("screenshots")(screenshots)
    app.add_typer(group, name="console")


def _group() -> None:
    """The web console, which `segue serve` serves under /console."""


def screenshots(
    folder: Annotated[Path, typer.Argument(help="Where the pictures go; made if need be.", file_okay=False)],
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Take a picture of every page of a running console, light and dark, 1280 and 390 px wide.

    It asks the chat one question. The library playwright and a Chromium are needed.
    """
    with reported(OSError):
        taken = _take(folder, url, key)
    if as_json:
        Screen().json([str(path) for path in taken])
    else:
        Screen().say(f"{len(taken)} pictures in {folder}")


def _take(folder: Path, url: str, key: str | None) -> list[Path]:
    from rich.console import Console
    from rich.progress import Progress

    from api.client import connected
    from api.console.chromium import Error, chromium
    from api.console.screenshots import Studio

    with connected(url, key) as client:
        runs = client.pages("/v1/runs", 1)
    folder.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    try:
        with chromium() as browser, Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("pictures", total=None)
            studio = Studio(browser, url, key)
            shots = list(studio.shots(studio.addresses(runs[0]["id"] if runs else None)))
            progress.update(task, total=len(shots))

            def done(path: Path) -> None:
                taken.append(path)
                progress.update(task, advance=1)

            studio.take(shots, folder, done)
    except Error as error:
        raise CommandError(f"The browser could not show the console: {line(error, 300)}") from error
    return taken
