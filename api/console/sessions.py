"""Who is signed in to the console. Start with `Sessions`.

A session is a random id in a cookie that no page can read; what it stands for is kept here, so that signing out, time
and a restart end it. Scopes are looked up for every page and every act, not once.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from agent.roles import Scope
from api.access import ANYONE, Access, Caller
from api.problems import Forbidden, Unauthorized

COOKIE = "segue_console"
LASTS = timedelta(hours=12)
IDLE = timedelta(hours=2)
MOST = 5_000
"""Sessions kept; the one that was not used for the longest goes first."""


class MayNotRead(Forbidden):
    """A known key that the console shows nothing to."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(f"the key {caller.name!r} may not read, and the console shows nothing to it")
        self.caller = caller


@dataclass
class Session:
    """One sign-in."""

    caller: Caller
    began_at: datetime
    used_at: datetime
    ended: bool = False


class Sessions:
    """The sign-ins of this process."""

    def __init__(self, access: Access, clock: Callable[[], datetime]) -> None:
        self.access = access
        self._clock = clock
        self._kept: OrderedDict[str, Session] = OrderedDict()

    @property
    def open_to_all(self) -> bool:
        """Whether no keys are in use, so that nobody has to sign in."""
        return self.access.open_to_all

    @property
    def tenants(self) -> Collection[str]:
        """Whoever has a key."""
        return self.access.tenants

    def begin(self, key: str) -> str:
        """The secret of a new session for this API key. Raises `Unauthorized`; `MayNotRead` for one without `read`."""
        caller = self.access.caller([key])
        if "read" not in caller.scopes:
            raise MayNotRead(caller)
        secret, now = secrets.token_urlsafe(32), self._clock()
        self._kept[_name(secret)] = Session(caller=caller, began_at=now, used_at=now)
        while len(self._kept) > MOST:
            _, oldest = self._kept.popitem(last=False)
            oldest.ended = True
        return secret

    def of(self, secret: str | None) -> Session | None:
        """The session, unless it has ended."""
        if self.open_to_all:
            now = self._clock()
            return Session(caller=ANYONE, began_at=now, used_at=now)
        found = self._kept.get(_name(secret)) if secret else None
        if found is None or not self.alive(found):
            return None
        found.used_at = self._clock()
        self._kept.move_to_end(_name(secret or ""))
        return found

    def alive(self, session: Session) -> bool:
        """Whether it still stands for somebody."""
        if self.open_to_all:
            return True
        now = self._clock()
        return not session.ended and now - session.began_at < LASTS and now - session.used_at < IDLE

    def require(self, session: Session, scope: Scope) -> Caller:
        """Who acts. Raises `Unauthorized` once the session has ended, `Forbidden` without the scope."""
        if not self.alive(session):
            raise Unauthorized("the session has ended; sign in again")
        session.used_at = self._clock()
        session.caller.require(scope)
        return session.caller

    def end(self, secret: str | None) -> Caller | None:
        """Sign out; who did, None if nobody was signed in (any more)."""
        found = self._kept.pop(_name(secret), None) if secret else None
        if found is None:
            return None
        there = self.alive(found)
        found.ended = True
        return found.caller if there else None


def _name(secret: str) -> str:
    """What it is kept under: whoever reads the memory of this process finds no cookie."""
    return sha256(secret.encode()).hexdigest()
