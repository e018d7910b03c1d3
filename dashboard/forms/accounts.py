"""Accounts that a ticket cannot take over from where it is filled from."""

from __future__ import annotations

from execution.core.numbers import shortened
from execution.core.problem_codes import Code
from execution.core.problems import Problem


def account_left_out(label: str) -> Problem:
    """Return the note that an account was left out, because it is not among those that the person may use now."""
    message = f"Account {shortened(label)} was left out: you may not use it, or it has no key in use."
    return Problem("accounts", message, label, code=Code.ACCOUNT_UNKNOWN)
