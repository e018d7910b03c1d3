from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from dashboard.views import (
    accounts,
    alert_channels,
    alerts,
    amend,
    analysis,
    approvals,
    blotter,
    halts,
    home,
    limits,
    me,
    orders,
    reconciliation,
    ticket,
    wall,
)

login = require_http_methods(["GET", "HEAD", "POST"])(LoginView.as_view(redirect_authenticated_user=True))

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("login/", login, name="login"),
    path("logout/", home.LogoutView.as_view(), name="logout"),
    path("favicon.ico", home.favicon, name="favicon"),
    path("me/", me.me, name="me"),
    path("me/tokens/<slug:public_id>/revoke/", me.token_revoke, name="token_revoke"),
    path("accounts/", accounts.account_list, name="accounts"),
    path("accounts/new/", accounts.account_new, name="account_new"),
    path("accounts/<slug:public_id>/", accounts.account_detail, name="account"),
    path("accounts/<slug:public_id>/<slug:action>/", accounts.account_act, name="account_act"),
    path("orders/", blotter.order_list, name="orders"),
    path("orders/export.csv", blotter.order_export, name="orders_export"),
    path("orders/new/", ticket.ticket, name="ticket"),
    path("orders/new/preview/", ticket.preview, name="preview"),
    path("orders/new/review/", ticket.review, name="review"),
    path("orders/<slug:public_id>/", orders.order_detail, name="order"),
    path("orders/<slug:public_id>/parts/", blotter.order_parts, name="order_parts"),
    path("orders/<slug:public_id>/amend/", amend.amend, name="amend"),
    path("orders/<slug:public_id>/amend/preview/", amend.preview, name="amend_preview"),
    path("orders/<slug:public_id>/report/", analysis.order_report, name="order_report"),
    path("orders/<slug:public_id>/report.csv", analysis.order_report_export, name="order_report_export"),
    path("orders/<slug:public_id>/<slug:action>/", orders.order_act, name="order_act"),
    path("analysis/", analysis.analysis, name="analysis"),
    path("analysis/export.csv", analysis.analysis_export, name="analysis_export"),
    path("reconciliation/", reconciliation.inbox, name="reconciliation"),
    path(
        "reconciliation/<slug:public_id>/<slug:action>/",
        reconciliation.unknown_act,
        name="reconciliation_act",
    ),
    path("limits/", limits.limits, name="limits"),
    path("limits/<slug:public_id>/end/", limits.limit_end, name="limit_end"),
    path("approvals/", approvals.approval_list, name="approvals"),
    path("approvals/<slug:public_id>/", approvals.approval_detail, name="approval"),
    path("approvals/<slug:public_id>/<slug:action>/", approvals.approval_act, name="approval_act"),
    path("alerts/", alerts.alert_list, name="alerts"),
    path("alerts/<slug:public_id>/", alerts.alert_detail, name="alert"),
    path("alerts/<slug:public_id>/<slug:action>/", alerts.alert_act, name="alert_act"),
    path("alert-channels/", alert_channels.channel_list, name="alert_channels"),
    path("alert-channels/new/", alert_channels.channel_new, name="alert_channel_new"),
    path(
        "alert-channels/<slug:public_id>/<slug:action>/",
        alert_channels.channel_act,
        name="alert_channel_act",
    ),
    path("wall/", wall.wall, name="wall"),
    path("halts/", halts.halt_list, name="halts"),
    path("halts/new/", halts.halt_new, name="halt_new"),
    path("halts/new/preview/", halts.halt_preview, name="halt_preview"),
    path("halts/<slug:public_id>/", halts.halt_detail, name="halt"),
    path("halts/<slug:public_id>/lift/", halts.halt_lift, name="halt_lift"),
]
