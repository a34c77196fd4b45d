"""A process keeps few heaps."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

HEAPS = """
import ctypes, sys, threading
from agent.heap import few_arenas
told = few_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
everybody = threading.Barrier(8)
def work():
    everybody.wait()
    for _ in range(1000):
        libc.malloc(ctypes.c_size_t(2048))
    everybody.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
print(told)
"""


def heaps(tmp_path: Path, **environment: str) -> tuple[str, int]:
    """What `few_arenas` said in a process with eight threads that allocate, and how many heaps it had."""
    told = tmp_path / "heaps.xml"
    kept = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    command = [sys.executable, "-c", HEAPS, str(told)]
    said = subprocess.run(command, env={**kept, **environment}, check=True, capture_output=True, text=True)
    return said.stdout.strip(), told.read_text().count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="heaps are glibc's")
def test_threads_share_two_heaps_unless_the_environment_says_more(tmp_path: Path) -> None:
    said, count = heaps(tmp_path)
    assert said == "True"
    assert count <= 2
    said, count = heaps(tmp_path, MALLOC_ARENA_MAX="6")
    assert said == "False"
    assert 2 < count <= 6
