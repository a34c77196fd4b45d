"""Record the cassettes of the wire from the tiny model. Start with `record`.

    python -m evals.wire.record [SCENE ...]

It starts the model's server afresh for each attempt and sends real HTTP to it. Where an answer does not show what its
scene is for, the next seed is tried; the label of the cassette says which seed it was.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from evals.wire.scenes import PORT, SCENES, Scene, Wire, seeded
from evals.wire.tiny import Tiny, TinyError, missing, model_file, serve_tiny, versions

CASSETTES = Path(__file__).parents[2] / "tests" / "wire" / "cassettes"
SEEDS = 30


class RecordError(Exception):
    """Nothing could be recorded; fit to print."""


async def record(names: Sequence[str], to: Path, say: Callable[[str], None], *, seeds: int = SEEDS) -> None:
    """Record scenes (none: all) into a folder, `say`ing how it goes. Raises `RecordError`."""
    if (lacking := missing()) is not None:
        raise RecordError(lacking)
    unknown = sorted(set(names) - set(SCENES))
    if unknown:
        raise RecordError(f"no scene is named {', '.join(map(repr, unknown))}. There are: {', '.join(SCENES)}.")
    if find_spec("vcr") is None:
        raise RecordError("vcrpy is not installed. It is one of the developers' packages: uv sync --group tiny")
    if not to.is_dir():
        raise RecordError(f"{to} is no folder. The cassettes belong to a checkout; name a folder with --to.")
    wanted = [name for name in SCENES if name in names] or list(SCENES)
    for number, name in enumerate(wanted, start=1):
        say(f"[{number}/{len(wanted)}] {name}: {SCENES[name].shows}")
        await _record(name, to / f"{name}.yaml", say, seeds)


async def _record(name: str, file: Path, say: Callable[[str], None], seeds: int) -> None:
    scene = SCENES[name]
    for seed in range(1, seeds + 1):
        tiny = seeded(scene, seed)
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder) / file.name
            shown = await _play(name, scene, tiny, draft)
            if shown:
                shutil.move(draft, file)
                say(f"    seed {seed}: kept, {file.stat().st_size} bytes in {file}")
                return
        say(f"    seed {seed}: the answer does not show it")
    raise RecordError(f"{name}: none of {seeds} seeds gave an answer that shows it. Try more with --seeds.")


async def _play(name: str, scene: Scene, tiny: Tiny, draft: Path) -> bool:
    from evals.wire.cassettes import recording  # vcrpy is there for developers only

    data = draft.parent / "data"
    data.mkdir()
    cache = os.environ.get("SEGUE_CACHE")
    environment = {"SEGUE_CACHE": cache} if cache else {"HOME": str(Path.home())}
    try:
        async with serve_tiny(tiny, PORT):
            with recording(draft, _label(name, tiny)):
                made = await scene.play(Wire(data=data, environment=environment))
    except TinyError as error:
        raise RecordError(str(error)) from error
    return draft.exists() and scene.wanted(made)


def _label(name: str, tiny: Tiny) -> dict[str, str | int | float]:
    file = model_file()
    asked = ("--own-template",) if tiny.own_template else ()
    return {
        "recorded_from": "tiny",
        "model": file.name,
        "model_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "server": " ".join(f"{package} {number}" for package, number in versions().items()),
        "options": " ".join(
            (
                f"--seed {tiny.seed} --temperature {tiny.temperature} --max-tokens {tiny.max_tokens}",
                f"--context {tiny.context}",
                *asked,
            )
        ),
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m evals.wire.record {name}",
        "shows": SCENES[name].shows,
    }


def main() -> None:
    """The command."""
    scenes = "\n".join(f"  {name:18} {scene.shows}" for name, scene in SCENES.items())
    parser = argparse.ArgumentParser(
        prog="python -m evals.wire.record",
        description="Record the cassettes of the wire from the tiny model, over real HTTP.",
        epilog=f"scenes:\n{scenes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scene", nargs="*", help="what to record (default: everything)")
    parser.add_argument("--to", type=Path, default=CASSETTES, help="folder of the cassettes (default: the tests')")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many seeds to try (default {SEEDS})")
    given = parser.parse_args()
    try:
        asyncio.run(record(given.scene, given.to, lambda line: print(line, flush=True), seeds=given.seeds))
    except RecordError as error:
        raise SystemExit(f"segue wire: {error}") from error


if __name__ == "__main__":
    main()
