from __future__ import annotations

from tests.fixtures import committed_rows, redis_url, rows

__all__ = ["committed_rows", "redis_url", "rows"]
