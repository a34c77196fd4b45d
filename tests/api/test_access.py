"""Who may ask what: keys, scopes, tenants, and pages of other sites."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from agent.roles import ROLES, Scope
from api.address import Address, CannotServe, check_protected, is_loopback, listen
from api.keyfile import Key, KeyFileError, add_key, key_hash, read_keys
from tests.api.served import is_problem
from tests.api.stand_in import StandIn, app_over, client_for

EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {}}


def a_key(name: str, *scopes: Scope, tenant: str = "default") -> Key:
    """A key whose text is its name."""
    return Key(name=name, tenant=tenant, scopes=frozenset(scopes), sha256=key_hash(name))


def keyed() -> tuple[StandIn, httpx.AsyncClient]:
    """An app with three keys."""
    stand_in = StandIn(found={"id": "a-1"})
    keys = (
        a_key("sender", "events", tenant="shop"),
        a_key("viewer", "read", tenant="shop"),
        a_key("ann", "read", "steer", "approve", tenant="plant"),
    )
    return stand_in, client_for(app_over(stand_in, keys=keys), "http://segue.example")


async def test_without_a_known_key_everything_is_401_and_nothing_is_asked() -> None:
    stand_in, http = keyed()
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic c2VuZGVy"},
        {"authorization": "Bearer"},
        {"x-api-key": ""},
        {"x-api-key": "sender "[::-1]},
        {"authorization": "Bearer sender", "x-api-key": "viewer"},
    ):
        for response in (
            await http.get("/v1/runs", headers=headers),
            await http.post("/v1/events", json=EVENT, headers=headers),
            await http.post("/v1/approvals/a-1", content=b"garbage", headers=headers),
        ):
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert is_problem(response)
    raw = [(b"x-api-key", b"\xff\xfe"), (b"authorization", b"Bearer \xff")]
    assert (await http.get("/v1/runs", headers=raw)).status_code == 401
    assert stand_in.asked == []


async def test_a_key_does_what_its_scopes_say_for_its_tenant() -> None:
    stand_in, http = keyed()
    sent = await http.post(
        "/v1/events",
        json=EVENT,
        headers={"authorization": "bearer sender", "content-type": "application/cloudevents+json"},
    )
    assert sent.status_code == 202
    assert (await http.get("/v1/runs", headers={"x-api-key": "viewer"})).status_code == 200
    assert [asked[:2] for asked in stand_in.asked] == [("accept", "shop"), ("runs", "shop")]
    for path, key in (("/v1/runs", "sender"), ("/v1/approvals", "sender"), ("/v1/tools", "sender")):
        response = await http.get(path, headers={"x-api-key": key})
        assert (response.status_code, is_problem(response)) == (403, True)
    for path in (
        "/v1/approvals/a-1",
        "/v1/pauses",
        "/v1/pauses/resume",
        "/v1/dead-letters/r-1/replay",
        "/v1/dead-letters/r-1/discard",
    ):
        response = await http.post(path, json={"answer": "reject"}, headers={"x-api-key": "viewer"})
        assert response.status_code == 403


async def test_who_answered_is_the_name_of_the_key() -> None:
    stand_in, http = keyed()
    headers = {"x-api-key": "ann"}
    await http.post("/v1/approvals/a-1", json={"answer": "reject"}, headers=headers)
    await http.post("/v1/effects/r:1:0/settle", json={"state": "failed"}, headers=headers)
    answered, settled = stand_in.asked
    assert getattr(answered[-1], "by", None) == "ann"
    assert settled == ("settle", "plant", "r:1:0", "failed", None, None, "ann")


async def test_health_needs_no_key_but_tells_reasons_only_with_one() -> None:
    stand_in, http = keyed()
    stand_in.unwell = {"tools.0": "shop at http://10.0.0.5 does not answer"}
    stranger = await http.get("/health/ready")
    known = await http.get("/health/ready", headers={"x-api-key": "viewer"})
    assert (stranger.status_code, stranger.json()["status"]) == (200, "degraded")
    assert "10.0.0.5" not in stranger.text
    assert "10.0.0.5" in known.text
    assert (await http.get("/health/live")).json() == {"status": "live"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8800"}, 200),
        ({"host": "[::1]:8800"}, 200),
        ({"host": "LOCALHOST"}, 200),
        ({"host": "evil.example:8800"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": "localhost.evil.example:8800"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://127.0.0.1:8800"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "https://127.0.0.1:8800"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_without_keys_pages_of_other_sites_and_foreign_names_are_refused(
    headers: dict[str, str], status: int
) -> None:
    stand_in = StandIn()
    response = await client_for(app_over(stand_in)).get("/v1/runs", headers=headers)
    assert response.status_code == status
    assert status == 200 or (is_problem(response) and stand_in.asked == [])


async def test_every_answer_carries_the_security_headers() -> None:
    http = client_for(app_over(StandIn(broken={"runs": ZeroDivisionError()})))
    for path in ("/health/live", "/v1/runs", "/v1/none", "/openapi.json"):
        headers = (await http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
    assert "x-frame-options" in (await http.get("/health/live", headers={"host": "evil.example"})).headers


def test_only_loopback_is_served_without_keys() -> None:
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        assert is_loopback(host)
        check_protected(Address(host=host))
    for host in ("0.0.0.0", "::", "10.1.2.3", "segue.example", "localhost.evil.example", ""):
        with pytest.raises(CannotServe, match="keys"):
            check_protected(Address(host=host))
        check_protected(Address(host=host, keys=(a_key("ann", "read"),)))


def test_a_port_in_use_says_so() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(CannotServe, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(CannotServe, match="host"):
        listen("no such host", 0)


def test_a_new_key_is_shown_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.yaml"
    first = add_key(path, name="shop", tenant="default", scopes=["events"])
    second = add_key(path, name="ann", tenant="default", scopes=["read", "operate"])
    third = add_key(path, name="bea", tenant="default", role="approver")
    text = path.read_text()
    assert not any(secret in text for secret in (first, second, third))
    kept = [(key.name, key.sha256) for key in read_keys(path)]
    assert kept == [("shop", key_hash(first)), ("ann", key_hash(second)), ("bea", key_hash(third))]
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(KeyFileError, match="same name"):
        add_key(path, name="ann", tenant="default", scopes=["read"])
    assert path.read_text() == text


def test_a_role_is_the_scopes_it_stands_for_and_operate_keeps_its_meaning(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    made = [f"{{name: {role}, role: {role}, sha256: {key_hash(role)}}}" for role in ROLES]
    made.append(f"{{name: old, scopes: [read, operate], sha256: {key_hash('old')}}}")
    path.write_text(f"keys: [{', '.join(made)}]")
    found = {key.name: key.scopes for key in read_keys(path)}
    assert found.pop("old") == {"read", "steer", "approve", "govern"}
    assert found == dict(ROLES)
    before = [(key.name, key.scopes) for key in read_keys(path)]
    add_key(path, name="new", tenant="default", role="viewer")
    assert [(key.name, key.scopes) for key in read_keys(path)][:-1] == before
    assert "operate" in path.read_text()


@pytest.mark.parametrize(
    "text",
    [
        f"keys: [{{name: a, sha256: {'0' * 64}}}]",
        f"keys: [{{name: a, role: king, sha256: {'0' * 64}}}]",
        f"keys: [{{name: a, role: viewer, scopes: [read], sha256: {'0' * 64}}}]",
        "",
        "keys: []",
        "keys: {}",
        "[",
        "keys: [{name: a, scopes: [events], sha256: short}]",
        f"keys: [{{name: a, scopes: [root], sha256: {'0' * 64}}}]",
        f"keys: [{{name: a, scopes: [], sha256: {'0' * 64}}}]",
        f"keys: [{{name: a b, scopes: [read], sha256: {'0' * 64}}}]",
        f"keys: [{{name: a, scopes: [read], sha256: {'0' * 64}, key: x}}]",
        f"keys: [{{name: a, scopes: [read], sha256: {'0' * 64}}}, {{name: b, scopes: [read], sha256: {'0' * 64}}}]",
        "\x00",
        "!!python/object:os.system {}",
    ],
)
def test_a_bad_keys_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    with pytest.raises(KeyFileError, match=r"keys\.yaml") as refused:
        read_keys(path)
    assert "Value error" not in str(refused.value)
    assert "_FileForm" not in str(refused.value)


def test_a_keys_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"none\.yaml: cannot be read"):
        read_keys(tmp_path / "none.yaml")
