"""Sessions of the console: what begins them, what ends them, and what they may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from agent.roles import Scope
from api.access import Access
from api.console import sessions as module
from api.console.sessions import IDLE, LASTS, Sessions
from api.keyfile import Key, key_hash
from api.problems import Forbidden, Unauthorized


@dataclass
class Clock:
    """Goes on when told."""

    now: datetime = datetime(2026, 11, 1, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


def key(name: str, *scopes: Scope) -> Key:
    """The key of somebody, which is their name."""
    return Key(name=name, tenant="default", scopes=frozenset(scopes), sha256=key_hash(name))


KEYS = (key("olga", "read", "steer"), key("vera", "read"), key("shop", "events"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(Access(KEYS), clock)


def test_a_session_is_found_by_its_secret_alone(sessions: Sessions) -> None:
    secret = sessions.begin("olga")
    found = sessions.of(secret)
    assert found is not None
    assert found.caller.name == "olga"
    assert sessions.begin("olga") != secret
    assert [sessions.of(other) for other in (None, "", "olga", secret[:-1], secret + "a")] == [None] * 5


def test_only_a_known_key_that_may_read_begins_one(sessions: Sessions) -> None:
    with pytest.raises(Unauthorized, match="not known"):
        sessions.begin("nobody")
    with pytest.raises(Unauthorized):
        sessions.begin("")
    with pytest.raises(Forbidden, match="'shop' may not read"):
        sessions.begin("shop")


def test_a_session_that_nobody_uses_ends(sessions: Sessions, clock: Clock) -> None:
    secret = sessions.begin("olga")
    clock.on(IDLE - timedelta(seconds=1))
    assert sessions.of(secret)
    clock.on(IDLE - timedelta(seconds=1))
    assert sessions.of(secret)
    clock.on(IDLE)
    assert sessions.of(secret) is None


def test_a_session_ends_however_much_it_is_used(sessions: Sessions, clock: Clock) -> None:
    secret = sessions.begin("olga")
    began = clock.now
    while clock.now - began < LASTS - timedelta(minutes=30):
        assert sessions.of(secret)
        clock.on(timedelta(minutes=30))
    clock.on(timedelta(minutes=30))
    assert sessions.of(secret) is None


def test_an_open_page_can_act_no_more_once_its_session_has_ended(sessions: Sessions, clock: Clock) -> None:
    left, late = sessions.begin("olga"), sessions.begin("olga")
    open_page, other_page = sessions.of(left), sessions.of(late)
    assert open_page
    assert other_page
    sessions.end(left)
    with pytest.raises(Unauthorized, match="sign in again"):
        sessions.require(open_page, "read")
    assert sessions.require(other_page, "steer").name == "olga"
    clock.on(IDLE)
    with pytest.raises(Unauthorized):
        sessions.require(other_page, "read")


def test_acts_keep_a_session_alive(sessions: Sessions, clock: Clock) -> None:
    secret = sessions.begin("olga")
    page = sessions.of(secret)
    assert page
    for _ in range(3):
        clock.on(IDLE - timedelta(seconds=1))
        sessions.require(page, "steer")
    assert sessions.of(secret) is page


def test_a_scope_that_the_key_lacks_is_refused_at_every_act(sessions: Sessions) -> None:
    page = sessions.of(sessions.begin("vera"))
    assert page
    assert sessions.require(page, "read").name == "vera"
    with pytest.raises(Forbidden, match="lacks the scope 'steer'"):
        sessions.require(page, "steer")


def test_signing_out_ends_that_session_alone_and_twice_does_no_harm(sessions: Sessions) -> None:
    one, other = sessions.begin("olga"), sessions.begin("olga")
    for _ in range(2):
        sessions.end(one)
    sessions.end(None)
    assert (sessions.of(one), sessions.of(other) is not None) == (None, True)


def test_of_too_many_sessions_the_one_unused_for_the_longest_goes(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    first, second = sessions.begin("olga"), sessions.begin("vera")
    page = sessions.of(second)
    assert page
    assert sessions.of(first)
    third = sessions.begin("olga")
    assert [sessions.of(secret) is not None for secret in (first, second, third)] == [True, False, True]
    assert not sessions.alive(page)


def test_where_no_keys_are_in_use_everybody_has_a_session_that_does_not_end(clock: Clock) -> None:
    sessions = Sessions(Access(None), clock)
    page = sessions.of(None)
    assert page
    clock.on(LASTS * 2)
    assert sessions.open_to_all
    assert sessions.require(page, "steer").name == "operator"
