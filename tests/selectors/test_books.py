"""Books: whose are wanted, and that they survive Redis."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from execution.core.types import Book
from execution.models import Order
from execution.selectors.decisions.sessions import symbols_worked
from execution.selectors.quotes import book_from_json, book_to_json
from tests.factories import NOW, SYMBOL, D, Rows

MINUTE = timedelta(minutes=1)
amounts = st.decimals(D("1e-10"), D("1e10"), places=10)
levels = st.lists(st.tuples(amounts, amounts), max_size=3).map(tuple)


@given(st.builds(Book, levels, levels, st.just(NOW)))
def test_a_book_survives_redis(book: Book) -> None:
    assert book_from_json(book_to_json(book)) == book


def test_books_are_wanted_where_an_order_works_or_is_about_to(rows: Rows) -> None:
    beta = rows.beside()
    start = NOW + MINUTE
    order = rows.submit(accounts=["beta"], parameters={"duration": "3m", "start_at": start.isoformat()})
    assert symbols_worked(beta.venue.pk, now=NOW) == set()
    assert symbols_worked(beta.venue.pk, now=start) == {SYMBOL}
    assert symbols_worked(rows.venue.pk, now=start) == set(), "nothing works at alpha"
    Order.objects.filter(pk=order.pk).update(status="paused")
    assert symbols_worked(beta.venue.pk, now=start) == set()
