"""The password validator, and the form for changing one's own password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError

from execution.core.names import guess_problem


class GuessableValidator:
    """Refuses easy passwords: well-known ones, patterns, repeats, dates, and the person's own names."""

    def validate(self, password: str, user: Any = None) -> None:
        names = ("username", "first_name", "last_name", "email")
        about = [str(getattr(user, name, "") or "") for name in names]
        about += [part for text in about for part in text.replace("@", " ").replace(".", " ").split()]
        if problem := guess_problem(password, about):
            raise ValidationError(problem, code="password_guessable")

    def get_help_text(self) -> str:
        return (
            "Your password must not be easy to guess: no well-known password, pattern, date or name of yours."
        )


class OwnPasswordForm(PasswordChangeForm):
    """The form with the present password, and the new one twice."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.user.check_password(cleaned.get("new_password1") or ""):
            self.add_error(
                "new_password1", ValidationError("The new password is the present one.", code="password_same")
            )
        return cleaned
