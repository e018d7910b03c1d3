"""Metrics of accounts and markets: health, errors, streams, reconciliation and quotes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count

from execution.core.states import ORDER_LIVE, ChildStatus
from execution.models import Account, ChildOrder, Difference, Order
from execution.payloads.wall import WallAccount
from execution.selectors.metrics.families import Family, seconds_since
from execution.selectors.quotes import quotes_latest
from execution.selectors.wall.health import account_rows, accounts_with_key, quote_pairs


def account_families(now: datetime) -> Iterator[Family]:
    accounts, live = accounts_with_key(), _live_markets()
    pairs = [pair for pair in quote_pairs(accounts) if pair in live]
    prices = quotes_latest(pairs)
    yield from _health(accounts, account_rows(accounts, prices, live, {}, now))
    yield from _ages(accounts, now)
    yield _unknown_children()
    venues = {account.venue_id: account.venue.label for account in accounts}
    ages = Family("quote_age_seconds", "Age of the newest quote of each market with a live order.")
    for venue, symbol in pairs:
        quote = prices.get((venue, symbol))
        ages.add(None if quote is None else seconds_since(quote.at, now), venue=venues[venue], symbol=symbol)
    yield ages
    missing = Family("quotes_missing", "Markets with a live order of which no quote is known.")
    missing.add(sum(pair not in prices for pair in pairs))
    yield missing
    differences = Family("differences_open", "Differences between our books and an exchange's, by kind.")
    found = Difference.objects.filter(resolved_at=None).values_list("kind").annotate(count=Count("pk"))
    for kind, count in found.order_by("kind"):
        differences.add(count, kind=kind)
    yield differences


def _live_markets() -> set[tuple[int, str]]:
    live = Order.objects.filter(status__in=ORDER_LIVE, accounts__isnull=False)
    return set(live.values_list("accounts__venue_id", "symbol").distinct())


def _health(accounts: list[Account], rows: list[WallAccount]) -> Iterator[Family]:
    health = Family("account_health", "1 for the state that an account is in: ok, warn or down.")
    failures = Family("account_failures", "Failed calls since the last successful poll of an account.")
    for account, row in zip(accounts, rows, strict=True):
        names = {"account": account.label, "venue": account.venue.label}
        for state in ("ok", "warn", "down"):
            health.add(int(row["health"] == state), **names, state=state)
        failures.add(account.failures, **names)
    yield health
    yield failures


def _ages(accounts: list[Account], now: datetime) -> Iterator[Family]:
    latency = Family(
        "account_latency_seconds", "Time that the last poll of an account took, with all its calls."
    )
    stream = Family(
        "account_stream_age_seconds", "Since an account's private stream was last known to be well."
    )
    poll = Family("account_poll_age_seconds", "Since an account was last polled completely.")
    lag = Family("account_reconcile_lag_seconds", "Since when an account's books may miss something.")
    for account in accounts:
        name = account.label
        latency.add(None if account.latency_ms is None else account.latency_ms / 1000, account=name)
        stream.add(seconds_since(account.stream_at, now), account=name)
        poll.add(seconds_since(account.polled_at, now), account=name)
        lag.add(seconds_since(account.reconciled_until, now), account=name)
    yield from (latency, stream, poll, lag)


def _unknown_children() -> Family:
    family = Family("children_unknown", "Children of which nobody knows whether the exchange has them.")
    unknown = ChildOrder.objects.filter(is_settled=False, status=ChildStatus.UNKNOWN)
    counts = dict(unknown.values_list("account__label").annotate(count=Count("pk")))
    for label in Account.objects.order_by("label").values_list("label", flat=True):
        family.add(counts.get(label, 0), account=label)
    return family
