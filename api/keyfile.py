"""The file of API keys. Start with `read_keys` and `add_key`.

    keys:
      - name: shop
        tenant: default
        scopes: [events]
        sha256: 5e88...
      - name: ann
        role: approver
        sha256: 9f86...

A key has scopes, or a role, which is a named set of them (`agent.roles`). The file is YAML, and so JSON too. It holds
hashes only: a key is shown once, when it is made. A key is 256 bits from the system's randomness, so one SHA-256 of it
is enough to keep.
"""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from agent.roles import ROLES, GivenScope, Role, Scope, scopes_of
from api.mistakes import in_words

DEFAULT_TENANT = "default"
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$"
LARGEST_FILE = 1024 * 1024
PREFIX = "segue_"

Name = Annotated[str, StringConstraints(pattern=NAME)]


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key as the keys file holds it."""

    name: str
    tenant: str
    scopes: frozenset[Scope]
    sha256: str
    """Of the key, in hex."""


class KeyFileError(Exception):
    """A keys file cannot be used; says which, what is wrong and what would be right."""


class _KeyForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    tenant: Name = DEFAULT_TENANT
    role: Role | None = None
    scopes: Annotated[list[GivenScope], Field(min_length=1)] | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    @model_validator(mode="after")
    def _one(self) -> "_KeyForm":
        if (self.role is None) == (self.scopes is None):
            given = "both" if self.role is not None else "neither"
            raise ValueError(f"it has {given} of role and scopes; give one: role: approver, or scopes: [read, events]")
        return self

    @property
    def permitted(self) -> frozenset[Scope]:
        return scopes_of(self.scopes or ()) if self.role is None else ROLES[self.role]


class _FileForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[_KeyForm]

    @model_validator(mode="after")
    def _unique(self) -> "_FileForm":
        for what in ("name", "sha256"):
            seen: set[str] = set()
            for key in self.keys:
                value = getattr(key, what)
                if value in seen:
                    raise ValueError(f"two keys have the same {what}: {value}")
                seen.add(value)
        return self


def is_name(text: str) -> bool:
    """Whether a key could be called so."""
    return re.fullmatch(NAME, text) is not None


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys of a file, at least one. Raises `KeyFileError`."""
    form = _read(path)
    if not form.keys:
        raise KeyFileError(f"{path}: there is no key in it. Make one: segue keys new NAME --keys {path}")
    return tuple(Key(name=key.name, tenant=key.tenant, scopes=key.permitted, sha256=key.sha256) for key in form.keys)


def add_key(path: Path, *, name: str, tenant: str, scopes: Sequence[str] = (), role: str | None = None) -> str:
    """Make a key with these scopes, or of a role; add its hash to the file (created if need be), return the key.

    Raises `KeyFileError`.
    """
    form = _read(path) if path.exists() else _FileForm(keys=[])
    key = PREFIX + secrets.token_urlsafe(32)
    may = {"scopes": list(dict.fromkeys(scopes))} if role is None else {"role": role}
    entry = {"name": name, "tenant": tenant, **may, "sha256": key_hash(key)}
    keys = [*(known.model_dump(exclude_none=True) for known in form.keys), entry]
    _write(path, _checked(path, {"keys": keys}))
    return key


def key_hash(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> _FileForm:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise KeyFileError(f"{path}: the file is larger than {LARGEST_FILE} bytes")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise KeyFileError(f"{path}: is no YAML: {' '.join(str(error).split())[:300]}") from error
    return _checked(path, document)


def _checked(path: Path, document: object) -> _FileForm:
    try:
        return _FileForm.model_validate(document)
    except ValidationError as error:
        found = [_said(one["loc"], one["type"], one["msg"]) for one in error.errors()[:5]]
        raise KeyFileError(f"{path}: {'; '.join(found)}") from error


def _said(location: tuple[int | str, ...], kind: str, message: str) -> str:
    """One mistake in a person's words."""
    if not location and kind == "model_type":
        return "it does not start with 'keys:'. Make one: segue keys new NAME --keys FILE"
    told = in_words(message)
    return f"{'.'.join(map(str, location))}: {told}" if location else told


def _write(path: Path, form: _FileForm) -> None:
    """Replace the file as a whole: whoever reads it sees the old one or the new one."""
    text = yaml.safe_dump(form.model_dump(exclude_none=True), sort_keys=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written: {error.strerror or error}") from error
