"""Keys of the paper exchange's accounts in tests."""

from __future__ import annotations

import base64


def secret_of(key: str) -> str:
    """Return a secret that every dialect takes: kraken's are base64."""
    return base64.b64encode(f"{key}'s secret".encode()).decode()
