from __future__ import annotations

from django.conf import settings
from django.db import models

from execution.models.fields import PublicIdField
from execution.models.orders import ChildOrder, Order
from execution.models.venues import Account


class HaltKind(models.TextChoices):
    NO_NEW_ORDERS = "no_new_orders", "No new orders"
    STOP = "stop", "Cancel everything and stop"


class HaltScope(models.TextChoices):
    DESK = "desk", "The desk"
    ACCOUNT = "account", "An account"
    TRADER = "trader", "A trader"
    SYMBOL = "symbol", "A symbol"
    ALGORITHM = "algorithm", "An algorithm"
    ORDER = "order", "An order"


def names_its_scope() -> models.Q:
    """Return the database constraint on halts: a halt names exactly the subject that its scope needs.

    For example, a halt of an account names an account, and no trader or symbol.
    """
    named = {
        "account": models.Q(account__isnull=False),
        "trader": models.Q(trader__isnull=False),
        "symbol": ~models.Q(symbol=""),
        "algorithm": ~models.Q(algorithm=""),
        "order": models.Q(order__isnull=False),
    }
    condition = models.Q()
    for scope in HaltScope.values:
        only = models.Q(scope=scope)
        for name, is_named in named.items():
            only &= is_named if name == scope else ~is_named
        condition |= only
    return condition


class HaltGate(models.Model):
    """The only row that both the placing of children and the setting of halts lock.

    It is locked to set a halt, to submit an order, and to place or submit a child. So none of these actions misses a
    committed halt. A transaction locks it last, after any row of an order, a child or an account.
    """

    singleton = models.BooleanField(default=True, unique=True, editable=False)

    def __str__(self) -> str:
        return "the gate"


class Halt(models.Model):
    """A halt, in force from when a supervisor sets it until a supervisor lifts it.

    Lifting resumes no order by itself.
    """

    public_id = PublicIdField()
    kind = models.CharField(max_length=16, choices=HaltKind.choices)
    scope = models.CharField(max_length=9, choices=HaltScope.choices)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="halts"
    )
    trader = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="halts"
    )
    symbol = models.CharField(max_length=40, blank=True)
    algorithm = models.CharField(max_length=16, blank=True)
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="own_halts"
    )
    reason = models.TextField()
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    #: The time at which the supervisor's request reached the server. The time to flat begins here.
    set_at = models.DateTimeField()
    #: The time at which all orders were paused and all cancels requested; null until then.
    swept_at = models.DateTimeField(null=True, blank=True)
    #: The time at which the exchanges had confirmed that none of ``children`` is open; null until then.
    flat_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lift_reason = models.TextField(blank=True)
    #: True if lifting it moved each order's plan by the time of the order's pause.
    keeps_time = models.BooleanField(default=False)
    #: The orders that it paused, and the children that were unsettled when it was set.
    orders = models.ManyToManyField(Order, related_name="halts", blank=True)
    children = models.ManyToManyField(ChildOrder, related_name="halts", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="halt_names_its_scope",
                condition=names_its_scope(),
            )
        ]
        indexes = [models.Index(fields=["set_at"], condition=models.Q(lifted_at=None), name="halt_in_force")]

    def __str__(self) -> str:
        return f"{self.kind} for {self.scope}"
