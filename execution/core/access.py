"""The hash of a request for access.

A confirmation names the hash, so that it is valid only for the contents that were seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change that a request for access would make, as it is shown to the person who confirms it."""

    name: str
    before: str
    after: str

    def as_json(self) -> dict[str, str]:
        return {"name": self.name, "before": self.before, "after": self.after}


def content_hash(
    *, kind: str, target: str, content: Mapping[str, Any], secret: bytes, changes: Sequence[Mapping[str, str]]
) -> str:
    """Return the SHA-256, in hex, of the contents of a request for access.

    A person confirms a request by this hash. The hash covers ``changes``, which are the changes as that person sees
    them. ``secret`` enters it only as a hash of its own. The sequence of keys in ``content`` does not matter.
    """
    frozen = {
        "kind": kind,
        "target": target,
        "content": content,
        "secret": hashlib.sha256(secret).hexdigest(),
        "changes": list(changes),
    }
    text = json.dumps(frozen, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
