from __future__ import annotations

from tests.fixtures import redis_url, rows

__all__ = ["redis_url", "rows"]
