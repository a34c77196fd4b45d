"""Chroma as a folder that one process owns, or as a server that several share. Start with `connect`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import uuid
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import chromadb
from chromadb.api import ClientAPI
from chromadb.api.client import Client
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError

DATABASE = "chroma.sqlite3"
_LOCK = "segue.lock"
_LOCKED_S = 0.5


class IndexUnavailable(Exception):
    """The index cannot be read or written; says which folder, why, and what would help."""


class IndexLocked(IndexUnavailable):
    """Another process owns the folder; the message says which."""


class Probe:
    """Whether somebody else has locked Chroma's database: Chroma would wait for it with Python's interpreter lock."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, timeout=_LOCKED_S, isolation_level=None, check_same_thread=False)

    def wait(self) -> None:
        """Wait a moment for the lock. Raises sqlite3.Error."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close."""
        self._connection.close()


def take_lock(path: Path) -> int:
    """The descriptor that holds the folder's lock until it is closed; the file holds the owner's process id."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise IndexUnavailable(f"The index folder {path} cannot be used: {error}. Name one that can be written.") from (
            error
        )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise IndexLocked(
            f"The index in {path} is in use by process {owner}. Stop it, or talk to it over HTTP (--url)."
        ) from error
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def connect(path: Path) -> ClientAPI:
    """A client on the folder, proved by a first read."""
    try:
        client = _client(path)
        client.list_collections()
    except Exception as error:
        # Chroma keeps a half-started system per path and hands it out next time; a second try makes it let go.
        with contextlib.suppress(ChromaError, AttributeError, ValueError, OSError):
            disconnect(_client(path))
        raise IndexUnavailable(
            f"The index in {path} cannot be opened: {error}. `segue memory rebuild` makes it anew from the store."
        ) from error
    return client


def connect_to_server(address: str) -> ClientAPI:
    url = urlsplit(address)
    tls = url.scheme == "https"
    if url.scheme not in ("http", "https") or not url.hostname:
        raise IndexUnavailable(f"{address!r} is no address of a Chroma server. Write it as in http://127.0.0.1:8000.")
    try:
        settings = ChromaSettings(anonymized_telemetry=False)
        port = url.port or (443 if tls else 8000)
        client = chromadb.HttpClient(host=url.hostname, port=port, ssl=tls, settings=settings)
        client.list_collections()
    except Exception as error:
        raise IndexUnavailable(
            f"The Chroma server {address} cannot be used: {error}. Start it (`chroma run`), or name another one."
        ) from error
    return client


def _client(path: Path) -> ClientAPI:
    return chromadb.PersistentClient(path=path, settings=ChromaSettings(anonymized_telemetry=False))


def disconnect(client: ClientAPI) -> None:
    cast(Client, client).close()


def identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def remove_files(path: Path) -> None:
    """Remove what Chroma writes, and only that: its database and its folders, which are named by UUIDs."""
    for entry in path.iterdir():
        if entry.is_dir() and _is_uuid(entry.name):
            shutil.rmtree(entry)
        elif entry.name.startswith(DATABASE):
            entry.unlink()


def _is_uuid(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
