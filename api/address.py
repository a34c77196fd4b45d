"""Where a server listens and who may come in. Start with `Address`, `check_protected`, `listen`."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from api.keyfile import Key

BACKLOG = 2048


class CannotServe(Exception):
    """The address cannot be served; says why and what would be right."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to listen and who may come in."""

    host: str = "127.0.0.1"
    port: int = 8800
    """0 takes a free one."""
    keys: tuple[Key, ...] | None = None
    """None: everybody, which is refused anywhere but on loopback."""


def check_protected(address: Address) -> None:
    """Raises `CannotServe` for an address others can reach without a key."""
    if address.keys is None and not is_loopback(address.host):
        raise CannotServe(
            f"Without API keys only loopback is served, and {address.host!r} can be reached by others. Make a key "
            "(segue keys new NAME --keys keys.yaml) and serve with --keys keys.yaml, or use --host 127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises `CannotServe`."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise CannotServe(f"The host {host!r} cannot be served: {error}.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotServe(
            f"Port {port} of {host} cannot be used: {error.strerror or error}. "
            "Use another one with --port (0 takes a free one)."
        ) from error
    return listener


def in_url(host: str) -> str:
    """The host as a URL has it."""
    return f"[{host}]" if ":" in host else host
