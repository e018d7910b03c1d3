"""The second factor of a login: codes of an authenticator app (TOTP, RFC 6238), or recovery codes if the app
is lost.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp
import structlog
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.models import Environment, RecoveryCode, Role, SecondFactor, User
from execution.services.records.actors import person_actor
from execution.services.records.audit import audit_append

log = structlog.get_logger(__name__)

#: The seconds for which a code is shown, its digits, and how many such steps a clock may be off.
STEP = 30
DIGITS = 6
STEPS_OFF = 1
RECOVERY_CODES = 10
#: The characters of a recovery code, without those that look alike. A code has 50 bits.
CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 10


def factor_required(person: User) -> bool:
    """Return True if the person needs a second factor on this installation. Supervisors and admins need one, except on
    a paper installation.
    """
    is_paper = settings.TRANCHE_ENVIRONMENT == Environment.PAPER
    return not is_paper and person.role in (Role.SUPERVISOR, Role.ADMIN)


def has_factor(person: User) -> bool:
    return SecondFactor.objects.filter(person=person).exists()


def factor_missing(person: User) -> bool:
    return factor_required(person) and not has_factor(person)


def factor_uri(*, person: User, secret: str) -> str:
    """Return the text of the QR code by which an authenticator app learns the secret."""
    issuer = f"Tranche {settings.TRANCHE_ENVIRONMENT}"
    return pyotp.TOTP(secret).provisioning_uri(name=person.username, issuer_name=issuer)


def new_secret() -> str:
    return pyotp.random_base32()


@transaction.atomic
def factor_make(*, person: User, secret: str, code: str, now: datetime) -> list[str]:
    """Store the person's second factor if ``code`` belongs to ``secret``. Return new recovery codes, which nobody can
    read again.

    Raises ``Refused`` for a wrong code, or if the person has a second factor already.
    """
    locked = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if has_factor(locked):
        refuse("", "You have a second factor already. Remove it first.", code=Code.FACTOR_EXISTS)
    step = _step_of(secret, code, 0, now)
    if step is None:
        refuse(
            "code", "The code is not the authenticator's of now. Is its clock right?", code=Code.CODE_WRONG
        )
    SecondFactor.objects.create(person=locked, sealed=_seal(secret), made_at=now, last_step=step)
    audit_append(kind="factor.made", actor=person_actor(locked), subject=locked.username[:80], at=now)
    return _new_codes(locked)


@transaction.atomic
def codes_renew(*, person: User, now: datetime) -> list[str]:
    """Give the person new recovery codes. The former ones become invalid."""
    locked = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if not has_factor(locked):
        refuse("", "There is no second factor yet.", code=Code.FACTOR_MISSING)
    audit_append(kind="factor.codes", actor=person_actor(locked), subject=locked.username[:80], at=now)
    return _new_codes(locked)


@transaction.atomic
def factor_remove(*, person: User, actor: str, now: datetime, reason: str = "") -> bool:
    """Remove the person's factor and codes. Returns False when there is none."""
    removed, _ = SecondFactor.objects.filter(person=person).delete()
    RecoveryCode.objects.filter(person=person).delete()
    if removed:
        audit_append(kind="factor.removed", actor=actor, subject=person.username[:80], reason=reason, at=now)
    return bool(removed)


@transaction.atomic
def factor_verify(*, person: User, code: str, now: datetime) -> bool:
    """Return True for a code of the authenticator, or for an unused recovery code. Each code is accepted only once."""
    factor = SecondFactor.objects.select_for_update(no_key=True).filter(person=person).first()
    if factor is None:
        return False
    written = "".join(code.split()).replace("-", "").lower()
    if len(written) == CODE_LENGTH:
        return _take_recovery(person, written, now)
    secret = _open(bytes(factor.sealed))
    step = _step_of(secret, written, factor.last_step, now) if secret else None
    if step is None:
        return False
    factor.last_step = step
    factor.save(update_fields=["last_step"])
    return True


def codes_left(person: User) -> int:
    return RecoveryCode.objects.filter(person=person, used_at=None).count()


def _take_recovery(person: User, written: str, now: datetime) -> bool:
    unused = RecoveryCode.objects.filter(person=person, used_at=None, code_hash=_hash(written))
    if not unused.update(used_at=now):
        return False
    audit_append(
        kind="factor.recovered",
        actor=person_actor(person),
        subject=person.username[:80],
        at=now,
        data={"codes_left": codes_left(person)},
    )
    return True


def _step_of(secret: str, code: str, last_step: int, now: datetime) -> int | None:
    """Return the time step to which ``code`` belongs, if it is after ``last_step``; None for any other code."""
    written = "".join(code.split())
    if len(written) != DIGITS or not written.isascii() or not written.isdigit():
        return None
    totp, current = pyotp.TOTP(secret, digits=DIGITS, interval=STEP), int(now.timestamp()) // STEP
    steps = range(current - STEPS_OFF, current + STEPS_OFF + 1)
    right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), written)]
    return next((step for step in right if step > last_step), None)


def _new_codes(person: User) -> list[str]:
    RecoveryCode.objects.filter(person=person).delete()
    codes = ["".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(person=person, code_hash=_hash(code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _box() -> Fernet:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tranche second factor")
    return Fernet(base64.urlsafe_b64encode(derive.derive(settings.SECRET_KEY.encode())))


def _seal(secret: str) -> bytes:
    return _box().encrypt(secret.encode())


def _open(sealed: bytes) -> str:
    """Return the unsealed secret.

    Return "" if it cannot be opened. The person can then log in only with recovery codes.
    """
    try:
        return _box().decrypt(sealed).decode()
    except InvalidToken:
        log.error("a second factor cannot be read: SECRET_KEY has changed")  # noqa: TRY400  the trace says no more
        return ""
