"""The Django admin. People may be managed here. Orders, fills, the journal and all other rows can only be read."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from execution.core.numbers import NumberRefused, decimal_number, shortened, without_grouping
from execution.core.problems import Refused
from execution.models import (
    Account,
    AuditEntry,
    Balance,
    ChildOrder,
    Fill,
    JournalEntry,
    Market,
    Order,
    OrderTerms,
    Slice,
    User,
    Venue,
    Worker,
)
from execution.models.fields import ExactDecimalField
from execution.services.desk.doors import password_reset_ask, person_save_ask
from execution.services.desk.people import person_problems

admin.site.site_header = "Tranche"
admin.site.site_title = "Tranche"
admin.site.index_title = "Records"
admin.site.unregister(Group)  # what a person may do follows from the role alone

#: The attribute of a request that holds the request for a second person, and the message about it.
ASKED = "tranche_asked"
WAITS = "Nothing is changed yet: a second admin or supervisor confirms it, on the desk's page Access."

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[models.Model]
    _UserAdmin = UserAdmin[User]
    _UserChangeForm = UserChangeForm[User]
    _PasswordForm = AdminPasswordChangeForm[User]
else:  # the stubs' classes are generic, Django's are not
    _Admin = admin.ModelAdmin
    _UserAdmin = UserAdmin
    _UserChangeForm = UserChangeForm
    _PasswordForm = AdminPasswordChangeForm


class ReadOnlyAdmin(_Admin):
    """An admin that only shows rows. The server refuses every other request from everybody."""

    actions = None

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


class PersonForm(_UserChangeForm):
    """The form of a person, which shows the service's refusals beside the fields."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        for name in ("role", "confirm_above"):
            if name in cleaned:
                setattr(self.instance, name, cleaned[name])
        for problem in person_problems(self.instance):
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)
        return cleaned


class NumberField(forms.Field):
    """A form field that reads numbers by the same rules as the ticket."""

    def to_python(self, value: Any) -> Decimal | None:
        if value in self.empty_values:
            return None
        try:
            return decimal_number(without_grouping(str(value)))
        except NumberRefused as refused:
            raise forms.ValidationError(f"{shortened(value)}: {refused}") from None


class PasswordForm(_PasswordForm):
    """The form with a new password, typed twice.

    A password cannot be removed. Instead, a person is made inactive.
    """

    usable_password = None


@admin.register(User)
class PersonAdmin(_UserAdmin):
    """The admin of people and their roles.

    Nobody is deleted, because orders and the audit name them; instead they are made inactive. A change that gives
    somebody more access waits for a second person.
    """

    form = PersonForm
    change_password_form = PasswordForm
    formfield_overrides: ClassVar[Any] = {ExactDecimalField: {"form_class": NumberField}}
    actions = None
    list_display = ("username", "role", "is_active", "sees_desk", "confirm_above", "last_login")
    list_filter = ("role", "is_active")
    readonly_fields = ("public_id", "is_active", "last_login", "date_joined", "on_the_desk")
    fieldsets = (
        (None, {"fields": ("username", "password", "public_id", "on_the_desk")}),
        ("Desk", {"fields": ("role", "is_active", "sees_desk", "confirm_above")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "role", "sees_desk", "confirm_above", "password1", "password2")}),
    )

    @admin.display(description="on the desk")
    def on_the_desk(self, person: User) -> str:
        return (
            "–"
            if person._state.adding
            else format_html(
                '<a href="{}">Live orders, and making the person active or inactive</a>',
                reverse("person", args=[person.public_id]),
            )
        )

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, _form: Any, _change: bool) -> None:
        asked = person_save_ask(person=obj, changed_by=cast(User, request.user), now=timezone.now())
        setattr(request, ASKED, asked)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """Write Django's own log, unless the change still waits for a second person.

        The audit has the change and the request, too.
        """
        return None if getattr(request, ASKED, None) else super().log_change(request, obj, message)

    def response_change(self, request: HttpRequest, obj: User) -> Any:
        if getattr(request, ASKED, None) is None:
            return super().response_change(request, obj)
        self.message_user(request, WAITS, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:execution_user_changelist"))

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> Any:
        if getattr(request, ASKED, None) is not None:
            self.message_user(request, f"{obj.username} is inactive until then. {WAITS}", messages.WARNING)
        return super().response_add(request, obj, post_url_continue)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show the form. If the service refuses the change, show its message.

        That may happen when two admins act at the same time.
        """
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        """Request a new password through the service.

        Django's own view would save the password directly. So that view only shows the form and the form's errors.
        """
        person = self.get_object(request, id)
        if request.method != "POST" or person is None or not self.has_change_permission(request, person):
            return super().user_change_password(request, id, form_url)
        form = self.change_password_form(person, request.POST)
        if not form.is_valid():
            return super().user_change_password(request, id, form_url)
        try:
            asked = password_reset_ask(
                person=person,
                changed_by=cast(User, request.user),
                password=form.cleaned_data["password1"],
                now=timezone.now(),
            )
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        done = f"{person.username} has another password."
        self.message_user(request, WAITS if asked else done, messages.WARNING if asked else messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:execution_user_change", args=[person.pk]))


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "trader", "side", "symbol", "quantity", "filled", "status", "created_at")
    list_filter = ("status", "symbol", "side")
    search_fields = ("public_id", "client_reference")
    date_hierarchy = "created_at"
    list_select_related = ("trader",)


@admin.register(OrderTerms)
class OrderTermsAdmin(ReadOnlyAdmin):
    list_display = ("order", "version", "limit_price", "start_at", "end_at", "actor", "created_at")
    search_fields = ("order__public_id",)
    list_select_related = ("order", "actor")


@admin.register(Slice)
class SliceAdmin(ReadOnlyAdmin):
    list_display = ("order", "plan_version", "number", "starts_at", "ends_at", "quantity")
    search_fields = ("order__public_id",)
    list_select_related = ("order",)


@admin.register(ChildOrder)
class ChildOrderAdmin(ReadOnlyAdmin):
    list_display = ("client_id", "order", "account", "side", "quantity", "price", "filled", "status")
    list_filter = ("status", "account", "purpose")
    search_fields = ("client_id", "exchange_id", "order__public_id")
    list_select_related = ("order", "account")


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin):
    list_display = ("executed_at", "order", "account", "side", "quantity", "price", "fee", "fee_currency")
    list_filter = ("account", "symbol", "liquidity")
    search_fields = ("trade_id", "order__public_id", "exchange_order_id")
    date_hierarchy = "executed_at"
    list_select_related = ("order", "account")


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "order", "version", "kind", "actor", "reason")
    list_filter = ("kind",)
    search_fields = ("order__public_id", "actor")
    list_select_related = ("order",)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """The admin of accounts, without their keys. Credentials are not registered in the admin at all."""

    list_display = ("label", "venue", "environment", "is_active", "owner", "polled_at", "error")
    list_select_related = ("venue", "owner")


@admin.register(Venue)
class VenueAdmin(ReadOnlyAdmin):
    list_display = ("label", "exchange")
    fields: ClassVar[Any] = ("label", "exchange")


@admin.register(Market)
class MarketAdmin(ReadOnlyAdmin):
    list_display = (
        "symbol",
        "venue",
        "status",
        "status_word",
        "tick",
        "lot",
        "min_notional",
        "max_notional",
        "maker_fee",
        "taker_fee",
        "refreshed_at",
    )
    list_filter = ("venue", "status")


@admin.register(Balance)
class BalanceAdmin(ReadOnlyAdmin):
    list_display = ("account", "currency", "free", "locked", "at")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The audit log: changes to accounts, keys, people, halts and tokens."""

    list_display = ("at", "actor", "kind", "subject", "reason")
    list_filter = ("kind",)
    search_fields = ("subject", "actor", "reason")
    date_hierarchy = "at"


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("boot_id", "host", "process_id", "started_at", "lease_until", "stopped_at")
