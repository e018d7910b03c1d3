from __future__ import annotations

from typing import Any

from django.urls import path

from dashboard.live.alerts import AlertsConsumer
from dashboard.live.baskets import BasketConsumer
from dashboard.live.consumers import OrderConsumer, OrdersConsumer
from dashboard.live.home import HomeConsumer
from dashboard.live.market import MarketConsumer
from dashboard.live.wall import HaltConsumer, WallConsumer

# Django's own types know views only; Channels routes to consumers by the same function.
_path: Any = path

websocket_urlpatterns: list[Any] = [
    _path("ws/orders/", OrdersConsumer.as_asgi()),
    _path("ws/orders/<slug:public_id>/", OrderConsumer.as_asgi()),
    _path("ws/baskets/<slug:public_id>/", BasketConsumer.as_asgi()),
    _path("ws/alerts/", AlertsConsumer.as_asgi()),
    _path("ws/home/", HomeConsumer.as_asgi()),
    _path("ws/market/", MarketConsumer.as_asgi()),
    _path("ws/wall/", WallConsumer.as_asgi()),
    _path("ws/halts/<slug:public_id>/", HaltConsumer.as_asgi()),
]
