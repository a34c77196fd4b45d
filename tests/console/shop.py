"""The tools of the shop that the console's tests watch; the server imports them by name."""

from __future__ import annotations


def look_up(customer: str) -> dict[str, str]:
    """Look up what is known of a customer."""
    return {"customer": customer, "tier": "gold"}


def pause_mail(customer: str) -> dict[str, bool]:
    """Pause advertising mail to a customer."""
    return {"paused": bool(customer)}


def pay_back(customer: str, amount: float) -> dict[str, float]:
    """Pay money back to a customer."""
    return {"paid": amount if customer else 0.0}


def book_call(customer: str, note: str = "") -> dict[str, str]:
    """Book a telephone call with a customer; the line goes dead while it is booked if the note says so."""
    if "dead line" in note:
        raise ConnectionResetError("the line went dead")
    return {"booked": customer}


PORTFOLIO = """
segue: 1
goals: {loyalty: {weight: 1.0, description: customers who stay}}
chains:
  - {name: care, description: care for a customer, steps: [
      {name: know, description: know the customer},
      {name: calm, description: calm the customer},
      {name: speak, description: speak with the customer},
      {name: repay, description: make good}]}
sources:
  - name: shop
    python:
      look_up: "tests.console.shop:look_up"
      pause_mail: "tests.console.shop:pause_mail"
      pay_back: "tests.console.shop:pay_back"
      book_call: "tests.console.shop:book_call"
    defaults: {timeout_s: 5}
    tools:
      look_up: {step: know, effect: read}
      pause_mail: {step: calm, idempotent: true}
      pay_back: {step: repay, idempotent: true, risk: high}
      book_call: {step: speak}
events:
  customer.upset:
    description: a customer is upset
    schema: {type: object, properties: {message: {type: string}}}
    text: "{data.message}"
    allow: [know, calm]
    bind: {customer: subject}
    playbook: [{purpose: pause advertising mail to the customer, step: calm}]
  customer.wronged:
    description: a customer paid for nothing
    schema: {type: object, properties: {message: {type: string}, amount: {type: number}}, required: [amount]}
    text: "{data.message}"
    allow: [repay]
    bind: {customer: subject}
    playbook: [{purpose: pay money back to the customer, step: repay}]
  customer.asked:
    description: a customer wants to be called
    schema: {type: object, properties: {note: {type: string}}}
    text: "{data.note}"
    allow: [speak]
    bind: {customer: subject}
    playbook: [{purpose: book a telephone call with the customer, step: speak}]
outcomes:
  customer.stayed:
    description: the customer bought again
    schema: {type: object, properties: {loyalty: {type: number}}, required: [loyalty]}
    join: {events: [customer.upset], window: 30d}
    grade: {loyalty: "double(data.loyalty)"}
"""
"""`customer.upset` is done alone; `customer.wronged` waits for an approval of the amount; `customer.asked` with a note
of a dead line leaves an unknown effect."""
