"""The seed for an order's random choices, for orders whose trader gives none."""

from __future__ import annotations

from datetime import datetime

from django.utils.crypto import salted_hmac

from execution.core.orders.parameters import AlgorithmParameters
from execution.core.orders.randomisation import wants_seed
from execution.core.orders.terms import OrderRequest, request_hash
from execution.models import Installation, User

#: The bits of a seed, so that a JSON number holds it exactly.
SEED_BITS = 53


def seeded(
    parameters: AlgorithmParameters, *, person: User, request: OrderRequest, now: datetime
) -> AlgorithmParameters:
    """Return the parameters, with a seed if they ask for randomisation and have none.

    The same request of the same person on the same day gets the same seed, so that the preview shows the order that
    will be sent. Nobody outside can predict the seed, because it is made with the installation's secret key.
    """
    if not wants_seed(parameters):
        return parameters
    mark = Installation.objects.values_list("mark", flat=True).first() or ""
    words = f"{mark}:{person.pk}:{now:%Y-%m-%d}:{request_hash(request)}"
    digest = salted_hmac("execution.seed", words, algorithm="sha256").digest()
    return parameters.model_copy(update={"seed": int.from_bytes(digest) >> (len(digest) * 8 - SEED_BITS)})
