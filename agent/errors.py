"""What the doors may be told instead of an answer; `api.problems` has a status for each."""

from __future__ import annotations


class NotFound(Exception):
    """There is no such thing, or it is another tenant's."""


class Conflict(Exception):
    """The thing is no longer in the state the request needs."""


class Refused(Exception):
    """Policy does not permit what an operator asked for."""
