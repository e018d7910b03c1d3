"""The rules about who sees an alert and who may acknowledge it."""

from __future__ import annotations

from django.db.models import QuerySet

from execution.models import Alert, Role, User


def alerts_visible(person: User) -> QuerySet[Alert]:
    """Return the alerts that the person may see.

    Supervisors see all. Traders see their own, and those of every order if they see the whole desk. Admins see no
    orders, so they see the alerts that are not about an order.
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
    """Return the alerts of which ``may_handle`` is true: a trader who sees the desk watches those of others."""
    visible = alerts_visible(person)
    return visible.filter(trader=person) if person.role == Role.TRADER else visible


def may_handle(person: User, alert: Alert) -> bool:
    """Return True for supervisors, the alert's trader, and admins if it is not about an order. Others only watch."""
    if person.role == Role.SUPERVISOR:
        return True
    return alert.trader_id is None if person.role == Role.ADMIN else alert.trader_id == person.pk
