from __future__ import annotations

from django.conf import settings
from django.db import models

from execution.core import states, types
from execution.core.journal import GENESIS
from execution.models.fields import ExactDecimalField, PublicIdField
from execution.models.installation import Worker
from execution.models.venues import Account


def choices(
    *enums: type[states.OrderStatus | states.ChildStatus | types.Side | types.Unit],
) -> list[tuple[str, str]]:
    """Return the members of core enums as Django's choices. A label is the value, with spaces for underscores."""
    return [(member.value, member.value.replace("_", " ")) for enum in enums for member in enum]


#: Entries made by a person. All other entries have one of these two actors.
BY_PEOPLE = ~models.Q(actor="desk") & ~models.Q(actor="venue")


class Basket(models.Model):
    """Orders that a trader sent together. All were created in one transaction, under one idempotency key."""

    public_id = PublicIdField()
    trader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="baskets")
    name = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)
    size = models.PositiveIntegerField(help_text="how many orders it was sent with")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trader", "key"], name="basket_once_per_key")]

    def __str__(self) -> str:
        return f"{self.public_id} {self.name}".strip()


class Order(models.Model):
    """A parent order. Its totals follow from its fills; its status and terms follow from its journal."""

    public_id = PublicIdField()
    trader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    client_reference = models.CharField(max_length=64, blank=True)
    tags = models.JSONField(default=list, blank=True)
    #: Stored as the basket's public id, because every row of an order shows it.
    basket = models.ForeignKey(
        Basket, to_field="public_id", null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )

    accounts = models.ManyToManyField(Account, related_name="orders")
    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=4, choices=choices(types.Side))
    quantity_asked = ExactDecimalField()
    unit = models.CharField(max_length=5, choices=choices(types.Unit))
    quantity = ExactDecimalField(help_text="base units")
    algorithm = models.CharField(max_length=16)
    terms = models.ForeignKey(
        "OrderTerms", null=True, blank=True, on_delete=models.PROTECT, related_name="current_for"
    )
    plan_version = models.PositiveIntegerField(default=1)
    market = models.JSONField(help_text="limits and fees that the order was planned with, by account")

    #: The forecast with which the current plan was made (core Plan.forecast).
    forecast = models.JSONField(default=dict, blank=True)
    #: The cost that the simulation expected when the order was sent; null until it is computed.
    predicted = models.JSONField(null=True, blank=True)

    status = models.CharField(max_length=20, choices=choices(states.OrderStatus), db_index=True)
    outcome = models.CharField(max_length=20, blank=True, help_text="the final status to come, while closing")
    reason = models.TextField(blank=True)
    needs_person = models.BooleanField(default=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    filled = ExactDecimalField(default=0)
    notional = ExactDecimalField(default=0, help_text="sum of price times quantity, quote units")
    fees = models.JSONField(default=dict, help_text="fees by currency, decimals as text")

    owner = models.ForeignKey(Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="orders")
    fence = models.PositiveBigIntegerField(default=0)
    version = models.PositiveBigIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    memo = models.JSONField(default=dict, blank=True)
    why = models.TextField(blank=True, help_text="the last decision in words")
    next_sequence = models.PositiveIntegerField(default=1)
    journal_hash = models.CharField(
        max_length=64, default=GENESIS, help_text="hash of the newest journal entry"
    )

    arrival_bid = ExactDecimalField(null=True, blank=True)
    arrival_ask = ExactDecimalField(null=True, blank=True)
    arrival_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["trader", "-created_at"], name="order_by_trader"),
            models.Index(fields=["-created_at"], name="order_by_time"),
            # Each open blotter sums the versions once a second: all that it reads is here.
            models.Index(fields=["trader", "version"], name="order_marks"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.side} {self.quantity} {self.symbol}"


class OrderTerms(models.Model):
    """One version of the terms that a person requested: parameters, limit and end, with their author and time.

    Append-only.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="all_terms")
    version = models.PositiveIntegerField()
    parameters = models.JSONField()
    limit_price = ExactDecimalField(null=True, blank=True)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    end_is_fixed = models.BooleanField(default=False, help_text="the trader named the end, not a duration")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "version"], name="terms_version_once")]
        verbose_name = verbose_name_plural = "order terms"

    def __str__(self) -> str:
        return f"{self.order.public_id} terms {self.version}"


class Slice(models.Model):
    """A slice of the plan: a quantity to trade between two times."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="slices")
    plan_version = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    quantity = ExactDecimalField(help_text="base units")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "plan_version", "number"], name="slice_once_per_plan")
        ]

    def __str__(self) -> str:
        return f"{self.order.public_id} plan {self.plan_version} slice {self.number}"


class ChildOrder(models.Model):
    """An order that is sent to an exchange, and its state."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="children")
    slice = models.ForeignKey(Slice, null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="children")
    sequence = models.PositiveIntegerField()
    client_id = models.CharField(max_length=36, unique=True)
    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=4, choices=choices(types.Side))
    type = models.CharField(max_length=8)
    price = ExactDecimalField(null=True, blank=True)
    quantity = ExactDecimalField()
    time_in_force = models.CharField(max_length=10)
    purpose = models.CharField(max_length=10, help_text="rest or cross")
    why = models.TextField()

    status = models.CharField(max_length=16, choices=choices(states.ChildStatus))
    reason = models.TextField(blank=True)
    exchange_id = models.CharField(max_length=64, blank=True)
    #: The highest cumulative filled quantity that the exchange ever reported; null while it reported none.
    reported_filled = ExactDecimalField(null=True, blank=True)
    #: Sum of the child's recorded fills.
    filled = ExactDecimalField(default=0)
    notional = ExactDecimalField(default=0)
    is_settled = models.BooleanField(default=False)

    intended_at = models.DateTimeField()
    #: The time at which a session submitted the child, and the session's fence. Null while the child is pending.
    submitted_at = models.DateTimeField(null=True, blank=True)
    submitted_fence = models.PositiveBigIntegerField(null=True, blank=True)
    last_possible_send_at = models.DateTimeField(null=True, blank=True)
    send_not_before = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    #: When the exchange had reported its end and filled quantity. If its trades come later, ``ended_at`` is later.
    over_at = models.DateTimeField(null=True, blank=True)
    #: When it was settled.
    ended_at = models.DateTimeField(null=True, blank=True)
    #: The results of polls for a child of unknown fate (core/reconcile.py).
    evidence = models.JSONField(default=dict, blank=True)
    #: An exchange order id that a person found for it, that person, the time, and the exchange's answer about this id.
    attach = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "sequence"], name="child_sequence_once"),
            models.CheckConstraint(
                condition=~models.Q(status="pending_submit", submitted_at__isnull=False)
                & ~models.Q(status="submitted", submitted_at=None),
                name="child_submitted_with_its_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account"], condition=models.Q(is_settled=False), name="child_unsettled_by_account"
            ),
            models.Index(fields=["account", "exchange_id"], name="child_by_exchange_id"),
            # Before each create: what has ended since the account's balance was told.
            models.Index(fields=["account", "ended_at"], name="child_by_end"),
            # Before each create: how many were sent within the last second.
            models.Index(fields=["submitted_at"], name="child_by_submit"),
        ]

    def __str__(self) -> str:
        return self.client_id


class Fill(models.Model):
    """One trade of ours at an exchange. Append-only; fee and liquidity may go once from null to a value."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="fills")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="fills")
    child = models.ForeignKey(
        ChildOrder, null=True, blank=True, on_delete=models.PROTECT, related_name="fills"
    )
    symbol = models.CharField(max_length=40)
    trade_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(types.Side))
    exchange_order_id = models.CharField(max_length=64, blank=True)
    price = ExactDecimalField()
    quantity = ExactDecimalField()
    fee = ExactDecimalField(null=True, blank=True)
    fee_currency = models.CharField(max_length=20, blank=True)
    more_fees = models.JSONField(
        default=list,
        blank=True,
        help_text="what was charged in other currencies beside: currency and amount as text, each",
    )
    fee_in_quote = ExactDecimalField(null=True, blank=True, help_text="all of it; null: a rate is not known")
    fee_rate = ExactDecimalField(
        null=True, blank=True, help_text="quote units for one unit of the fee's currency"
    )
    liquidity = models.CharField(max_length=5, blank=True, help_text="maker, taker, or unknown")
    executed_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "symbol", "trade_id", "side"], name="fill_recorded_once"
            )
        ]
        indexes = [
            models.Index(fields=["account", "exchange_order_id"], name="fill_by_exchange_order"),
            # Few fills wait for their fee. The page of balances finds them without reading the others.
            models.Index(fields=["order"], condition=models.Q(fee__isnull=True), name="fill_without_fee"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} at {self.price}"


class OrderReport(models.Model):
    """The results of an ended order (payloads/reports.py Report).

    They are stored because the market samples from which they are computed are deleted later.
    """

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="report")
    #: The order's version from which the report was made. A later fill or fee has it made again.
    version = models.PositiveBigIntegerField()
    report = models.JSONField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"report of {self.order.public_id}"


class JournalEntry(models.Model):
    """An event of an order, with its author and reason. ``version`` is the order's version after the event.

    The websocket's messages carry the same version. Each entry carries the hash of the one before it
    (core/journal.py). Append-only.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="journal")
    version = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=32)
    actor = models.CharField(max_length=170)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "version"], name="journal_version_once")]
        indexes = [
            models.Index(fields=["at"], name="journal_by_time"),
            models.Index(fields=["kind", "at"], name="journal_by_kind"),
            # People act seldom: their entries are found without reading the desk's own, and cost those nothing.
            models.Index(fields=["actor", "at"], condition=BY_PEOPLE, name="journal_by_person"),
        ]
        verbose_name_plural = "journal entries"

    def __str__(self) -> str:
        return f"{self.order.public_id} {self.version} {self.kind}"


class Submission(models.Model):
    """A person's idempotency key, and the order that it created. A second request with the key creates nothing."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="submissions")
    key = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="submissions")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="submission_once_per_key")]

    def __str__(self) -> str:
        return self.key
