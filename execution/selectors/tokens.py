"""A person's API tokens, for the page of that person."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypedDict

from execution.models import ApiToken, User

TokenState = Literal["valid", "expired", "revoked"]


class TokenRow(TypedDict):
    """A token as its person sees it, without its text."""

    id: str
    name: str
    last_four: str
    state: TokenState
    scopes: list[str]
    addresses: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def token_rows(*, person: User, now: datetime) -> list[TokenRow]:
    """Return a person's tokens: valid ones first, then the newest."""
    rows = [
        _row(token, now) for token in ApiToken.objects.filter(person=person).order_by("-created_at", "-pk")
    ]
    return sorted(rows, key=lambda row: row["state"] != "valid")


def _row(token: ApiToken, now: datetime) -> TokenRow:
    return TokenRow(
        id=token.public_id,
        name=token.name,
        last_four=token.last_four,
        state=_state(token, now),
        scopes=list(token.scopes),
        addresses=list(token.addresses),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


def _state(token: ApiToken, now: datetime) -> TokenState:
    if token.revoked_at is not None:
        return "revoked"
    return "valid" if token.expires_at > now else "expired"
