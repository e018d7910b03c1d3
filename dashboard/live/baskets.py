"""The websocket of a basket's page. It sends the orders as in the list and, with each change, the basket's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from dashboard.forms.filters import read_filter
from dashboard.live.consumers import NOT_FOUND, OrdersConsumer
from execution.notify import trader_group
from execution.selectors.orders.baskets import basket_find, basket_rows
from execution.selectors.orders.order_filter import OrderListFilter

if TYPE_CHECKING:
    from execution.models import Basket, User


class BasketConsumer(OrdersConsumer):
    """Sends one basket to a person who may see it."""

    basket: Basket | None = None

    def refusal(self, person: User) -> int | None:
        if self.basket is not None:
            return None  # who may see it depends on the person's standing alone, which has not changed
        public_id = self.scope["url_route"]["kwargs"]["public_id"]
        self.basket = basket_find(person=person, public_id=public_id)
        if self.basket is None:
            return NOT_FOUND
        self.chosen = read_filter(person, OrderListFilter, {"basket": public_id})
        self.rows: dict[str, Any] = {}
        self.group = trader_group(self.basket.trader_id)
        return None

    def changes(self) -> list[dict[str, Any]]:
        messages = super().changes()
        if not messages or self.basket is None:
            return messages
        standing = basket_rows([self.basket], timezone.now())[0]
        return [{**message, "basket": standing} for message in messages]
