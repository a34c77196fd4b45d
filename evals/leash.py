"""`python -m evals.leash MODULE ...`: that module as a program which ends when its standard input does.

Whoever starts a server through a pipe holds the other end, so that the server ends with it even after `kill -9`.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Run the module named first, with the arguments that follow."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _wait_for_the_end() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
