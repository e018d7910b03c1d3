"""The services that create the installation's one row and its first people."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from execution.core.identifiers import MARK_LENGTH, random_id
from execution.core.problem_codes import Code
from execution.core.problems import Refused, not_allowed, refuse
from execution.models import Environment, Installation, Role, User
from execution.services.desk.limits import first_limits_ensure

#: The people of a new installation, by user name.
FIRST_PEOPLE: dict[str, Role] = {
    "trader": Role.TRADER,
    "supervisor": Role.SUPERVISOR,
    "admin": Role.ADMIN,
}
MIN_PASSWORD_LENGTH = 12


@transaction.atomic
def installation_ensure(
    *, environment: str, sealing_key: str, now: datetime, alert_sealing_key: str = ""
) -> Installation:
    """Return the installation's row. The first call creates it with a fresh mark and the first limits.

    ``sealing_key`` is the workers' current public key (hex). ``alert_sealing_key`` is the public key of the process
    that sends alerts. Later calls store these keys in the row, so that it is right after a rotation of a keyring. An
    ``alert_sealing_key`` of "" changes nothing. Raises ``Refused`` when the database belongs to another environment,
    or when there is no such environment.
    """
    if environment not in Environment.values:
        raise Refused([not_allowed("environment", "The environment", environment, Environment.values)])
    installation, created = Installation.objects.get_or_create(
        singleton=True,
        defaults={
            "mark": random_id(MARK_LENGTH, secrets.choice),
            "environment": environment,
            "sealing_key": sealing_key,
        },
    )
    if created:
        installation.created_at = now  # auto_now_add took the machine's own clock
        first_limits_ensure(now=now)
    elif installation.environment != environment:
        message = (
            f"This database belongs to a {installation.environment} installation and cannot be started as "
            f"{environment}. Set TRANCHE_ENVIRONMENT={installation.environment}, or use another database."
        )
        refuse("environment", message, environment, installation.environment, code=Code.ENVIRONMENT_MISMATCH)
    installation.sealing_key = sealing_key
    installation.alert_sealing_key = alert_sealing_key or installation.alert_sealing_key
    installation.save(update_fields=["created_at", "sealing_key", "alert_sealing_key"])
    return installation


@transaction.atomic
def people_ensure(*, passwords: Mapping[str, str]) -> tuple[str, ...]:
    """Create the first people, and return the user names created. ``passwords`` has a password for each user name.

    If any person exists, nobody is created. Otherwise a renamed or removed person would come back. Raises ``Refused``
    when a name of ``FIRST_PEOPLE`` has no password or a short one.
    """
    for name in FIRST_PEOPLE:
        length = len(passwords.get(name, ""))
        if length < MIN_PASSWORD_LENGTH:
            message = (
                f"The password of {name} has {length} characters. It needs at least {MIN_PASSWORD_LENGTH}."
            )
            refuse(name, message, length, MIN_PASSWORD_LENGTH, code=Code.LENGTH_OUT_OF_RANGE)
    if User.objects.exists():
        return ()
    for name, role in FIRST_PEOPLE.items():
        is_admin = role == Role.ADMIN
        person = User(username=name, role=role, is_staff=is_admin, is_superuser=is_admin)
        person.set_password(passwords[name])
        person.save()
    return tuple(FIRST_PEOPLE)
