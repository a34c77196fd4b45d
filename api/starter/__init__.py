"""What `segue init` writes: a commented portfolio, and the tools it names. Start with `write_starter`."""

from __future__ import annotations

from contextlib import suppress
from importlib import resources
from pathlib import Path

FILES = ("portfolio.yaml", "shop_tools.py")
"""They lie beside this module."""


class StarterError(Exception):
    """The starter cannot be written; says why and what would be right. Nothing of it is left behind."""


def write_starter(folder: Path) -> list[Path]:
    """Write every file of the starter into the folder, made if need be, or none. Raises `StarterError`."""
    contents = {folder / name: (resources.files(__name__) / name).read_bytes() for name in FILES}
    _check_free(folder, contents)
    made: list[Path] = []
    try:
        for missing in _missing(folder):
            missing.mkdir()
            made.append(missing)
        for path, content in contents.items():
            # Exclusively: whatever came into being since the check is not overwritten either.
            with path.open("xb") as file:
                made.append(path)
                file.write(content)
    except OSError as error:
        _remove(made)
        reason = error.strerror or str(error)
        raise StarterError(f"{folder} cannot be written: {reason}. Name a folder that can be written.") from error
    except BaseException:
        _remove(made)
        raise
    return list(contents)


def _check_free(folder: Path, contents: dict[Path, bytes]) -> None:
    try:
        there = [path.name for path in contents if path.is_symlink() or path.exists()]
    except OSError as error:
        raise StarterError(f"{folder} cannot be looked into: {error.strerror or error}. Name another one.") from error
    if there:
        raise StarterError(
            f"{', '.join(there)} in {folder} would be overwritten. Name another folder (segue init FOLDER), or move "
            "what is there. Nothing was written."
        )


def _missing(folder: Path) -> list[Path]:
    """The folders that have to be made, outermost first."""
    return [path for path in reversed((folder, *folder.parents)) if not path.exists()]


def _remove(made: list[Path]) -> None:
    """What was made so far, innermost first; a folder that others used meanwhile stays."""
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
