"""`chroma run` as a module, so that it can be started on a leash like every other server."""

from __future__ import annotations

from collections.abc import Callable

from chromadb.cli.cli import app

if __name__ == "__main__":
    main: Callable[[], None] = app
    main()
