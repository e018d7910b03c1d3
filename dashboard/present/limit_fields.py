"""The fields of a review about limits.

They are a reason for each exceeded soft limit, and the note that the order will wait for approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.core.limits.judgement import Verdict
from execution.services.orders.limits import REASON_FIELD


def limit_fields(verdict: Verdict, posted: Mapping[str, str], missing: Mapping[str, str]) -> dict[str, Any]:
    """Return the context of ``_limit_fields.html``.

    ``missing`` has the message about each field that was refused, by the field's name.
    """
    return {
        "approvals": verdict.approvals,
        "limit_reasons": [
            {"field": field, "breach": breach, "missing": field in missing, "given": posted.get(field, "")}
            for breach in verdict.reasons
            if (field := f"{REASON_FIELD}{breach.kind}")
        ],
    }
