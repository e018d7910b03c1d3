"""The rules about who sees an alert and who may acknowledge it."""

from __future__ import annotations

from django.db.models import QuerySet

from execution.models import Alert, Role, User


def alerts_visible(person: User) -> QuerySet[Alert]:
    """Return the alerts that the person may see.

    Supervisors see all alerts. Traders see their own. Traders with access to the whole desk see the alerts of every
    order. Admins see no orders, so they see the alerts that are not about an order.
    """
    if person.role == Role.SUPERVISOR:
        return Alert.objects.all()
    if person.role == Role.ADMIN:
        return Alert.objects.filter(trader=None)
    return (
        Alert.objects.filter(trader__isnull=False)
        if person.sees_desk
        else Alert.objects.filter(trader=person)
    )


def alerts_to_handle(person: User) -> QuerySet[Alert]:
    """Return the alerts that the person may handle, as ``may_handle`` decides.

    A trader who sees the whole desk may only watch the alerts of others.
    """
    visible = alerts_visible(person)
    return visible.filter(trader=person) if person.role == Role.TRADER else visible


def may_handle(person: User, alert: Alert) -> bool:
    """Return True if the person may handle the alert, and not only watch it.

    Supervisors may handle every alert, traders their own, and admins those that are not about an order.
    """
    if person.role == Role.SUPERVISOR:
        return True
    return alert.trader_id is None if person.role == Role.ADMIN else alert.trader_id == person.pk
