"""What a person or a system may do: scopes, and roles as named sets of them. Start with `ROLES`.

Every door asks for the one scope of the act at hand: routes, commands of the chat, and pages of the console.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, TypeAlias, get_args

Scope: TypeAlias = Literal["events", "read", "steer", "approve", "govern"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""`events`: send events and outcomes. `read`: see all of the tenant's. `steer`: pause, cancel, settle, judge, assign.
`approve`: answer approvals and questions. `govern`: change what memory may say."""

GivenScope: TypeAlias = Literal[Scope, "operate"]
"""As a key is given them."""
OPERATE: tuple[Scope, ...] = ("steer", "approve", "govern")
"""What `operate` stands for."""

Role: TypeAlias = Literal["viewer", "operator", "approver", "admin"]
ROLES: Mapping[Role, frozenset[Scope]] = {
    "viewer": frozenset({"read"}),
    "operator": frozenset({"read", "events", "steer"}),
    "approver": frozenset({"read", "events", "steer", "approve"}),
    "admin": frozenset(SCOPES),
}
"""From the least to the most."""


def scopes_of(given: Iterable[GivenScope]) -> frozenset[Scope]:
    """The scopes that were meant, with `operate` as what it stands for."""
    found: set[Scope] = set()
    for one in given:
        found.update(OPERATE if one == "operate" else (one,))
    return frozenset(found)


def role_of(scopes: Collection[str]) -> Role | None:
    """The role that permits exactly these; None where no role does."""
    return next((role for role, its in ROLES.items() if its == frozenset(scopes)), None)


def in_order(scopes: Collection[str]) -> list[Scope]:
    """Scopes as they are listed."""
    return [scope for scope in SCOPES if scope in scopes]


def lacks(scope: Scope, scopes: Collection[str]) -> str:
    """`the scope 'approve', which the roles approver and admin have; it has: read`, of a key without the scope."""
    having = [role for role, its in ROLES.items() if scope in its]
    roles = f"role {having[0]} has" if len(having) == 1 else f"roles {', '.join(having[:-1])} and {having[-1]} have"
    return f"the scope {scope!r}, which the {roles}; it has: {', '.join(in_order(scopes)) or 'none'}"
