"""The tools of the test company without its ledger, for a server in a process of its own."""

from __future__ import annotations


def look_up(customer: str) -> dict[str, str]:
    """Look up what is known of a customer."""
    return {"customer": customer, "tier": "gold"}


def pause_mail(customer: str, days: int = 7) -> dict[str, bool]:
    """Pause advertising mail to a customer."""
    return {"paused": bool(customer) and days > 0}


def book_call(customer: str, note: str = "") -> dict[str, str]:
    """Book a telephone call with a customer."""
    return {"booked": customer, "note": note}


def pay_back(customer: str, amount: float) -> dict[str, float]:
    """Pay money back to a customer."""
    return {"paid": amount if customer else 0.0}


def close_account(customer: str) -> dict[str, str]:
    """Close a customer's account."""
    return {"closed": customer}
