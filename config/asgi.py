"""The ASGI application of the desk, for HTTP and websockets."""

from __future__ import annotations

import gc
import sys

import config.ready  # noqa: F401  sets Django up, before anything that needs the app registry

# isort: split
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from dashboard.handler import DeskHandler
from dashboard.live.doors import KnownPaths
from dashboard.routing import websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": DeskHandler(),
        "websocket": AllowedHostsOriginValidator(
            KnownPaths(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), websocket_urlpatterns)
        ),
    }
)

# What was imported stays: no collection has to go through it while a page waits.
gc.collect()
gc.freeze()

# For so long one thread keeps the others waiting, in seconds. The database's thread lets go at every statement, and
# would wait the usual 5 ms each time while the loop is busy.
sys.setswitchinterval(0.0005)
