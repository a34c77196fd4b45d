"""`segue memory lessons`: what was distilled from episodes, in other words, or retired."""

# No postponed annotations here: typer reads them while the commands are made.

from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.commands.options import DEFAULT_URL, ApiKey, AsJson, Limit, Url
from api.terminal import Screen, line, reported

LESSONS = "/v1/memory/lessons"
LessonId = Annotated[str, typer.Argument(help="Id of the lesson's last version.", show_default=False)]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    lessons = typer.Typer(help="Rules distilled from episodes.", invoke_without_command=True)
    lessons.callback()(list_lessons)
    lessons.command("show")(show_lesson)
    lessons.command("edit")(edit_lesson)
    lessons.command("retire")(retire_lesson)
    group.add_typer(lessons, name="lessons")


def list_lessons(
    context: typer.Context,
    event_type: Annotated[str | None, typer.Option("--type", help="Event type.", show_default=False)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Retired ones and earlier versions too.")] = False,
    distil: Annotated[bool, typer.Option("--distil", help="Distil first, what the background does anyway.")] = False,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List lessons, newest first, with how often each was shown and what became of it."""
    from api.client import connected, listed

    if context.invoked_subcommand is not None:
        return
    screen = Screen()
    with reported(), connected(url, key) as client:
        done = listed(client.post_json(f"{LESSONS}/distil", {"type": event_type})) if distil else []
        items = client.pages(LESSONS, limit, type=event_type, state="all" if all_ else None)
    if as_json:
        screen.json(items)
        return
    for one in done:
        words = f"{one.get('episodes')} graded episodes: {one.get('added')} new versions, {one.get('retired')} retired"
        screen.say(f"{one.get('type')}: {words}", "dim")
    rows = [_row(one) for one in items]
    screen.table(("lesson", "type", "version", "text", "by", "helped/hurt/shown", "state"), rows, "No lessons.")


def show_lesson(lesson: LessonId, url: Url = DEFAULT_URL, key: ApiKey = None, as_json: AsJson = False) -> None:
    """One version with its counts, interval, sources and credit."""
    from api.client import connected

    with reported(), connected(url, key) as client:
        _say(client.get(f"{LESSONS}/{quote(lesson, safe='')}"), as_json)


def edit_lesson(
    lesson: LessonId,
    text: Annotated[str, typer.Option("--text", help="One line; the counts are added.", show_default=False)],
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Say a lesson in other words, as a new version. A retired one stands again."""
    from api.client import connected

    with reported(), connected(url, key) as client:
        _say(client.post_json(f"{LESSONS}/{quote(lesson, safe='')}/edit", {"text": text}), as_json)


def retire_lesson(
    lesson: LessonId,
    reason: Annotated[str | None, typer.Option("--reason", help="Kept beside it.", show_default=False)] = None,
    url: Url = DEFAULT_URL,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Show a lesson no more; it is not distilled again."""
    from api.client import connected

    with reported(), connected(url, key) as client:
        _say(client.post_json(f"{LESSONS}/{quote(lesson, safe='')}/retire", {"reason": reason}), as_json)


def _say(lesson: Any, as_json: bool) -> None:
    screen = Screen()
    if as_json:
        screen.json(lesson)
        return
    support, credit = lesson.get("support") or {}, lesson.get("credit") or {}
    screen.say(f"lesson {lesson.get('id')}  version {lesson.get('version')}  {lesson.get('state')}", "bold")
    screen.say(line(lesson.get("text"), 400))
    low, high = support.get("low", 0.0), support.get("high", 0.0)
    screen.say(f"share of good runs between {low:.2f} and {high:.2f}, p {support.get('p', 0.0):.2g}")
    sources = ", ".join(f"{name} {times}" for name, times in (lesson.get("sources") or {}).items())
    screen.say(f"{lesson.get('subjects')} subjects; sources: {sources}")
    screen.say(f"written by {lesson.get('written_by')} at {lesson.get('created_at')}", "dim")
    counts = ", ".join(f"{name} {credit.get(name)}" for name in ("shown", "helped", "hurt", "otherwise", "open"))
    screen.say(counts)
    if lesson.get("state") == "uncorroborated":
        screen.say(f"not shown to who decides: {line(lesson.get('reason'), 400)}")
    if lesson.get("retired_at"):
        screen.say(f"retired by {lesson.get('retired_by')} at {lesson.get('retired_at')}: {lesson.get('reason')}")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    credit = one.get("credit") or {}
    reason = f": {one.get('reason')}" if one.get("reason") else ""
    return (
        one.get("id"),
        one.get("event_type"),
        one.get("version"),
        line(one.get("text"), 160),
        one.get("written_by"),
        f"{credit.get('helped')}/{credit.get('hurt')}/{credit.get('shown')}",
        line(f"{one.get('state')}{reason}", 80),
    )
