from __future__ import annotations

from django.urls import URLPattern, path

from dashboard.consumers import OrderConsumer, OrdersConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/orders/", OrdersConsumer.as_asgi()),
    path("ws/orders/<slug:public_id>/", OrderConsumer.as_asgi()),
]
