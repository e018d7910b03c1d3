"""The hosts that this installation may reach, by its environment and its settings."""

from __future__ import annotations

from django.conf import settings

from execution.core.addresses import Network


def network_of(environment: str) -> Network:
    """Return the hosts that an installation of ``environment`` may reach, including those that its settings allow."""
    return Network(
        environment,
        paper_hosts=frozenset(settings.TRANCHE_PAPER_HOSTS),
        proxy_hosts=frozenset(settings.TRANCHE_PROXY_HOSTS),
        alert_hosts=frozenset(settings.TRANCHE_ALERT_HOSTS),
    )
