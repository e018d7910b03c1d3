"""A view that was kept is the very view again, and leads to the very decision."""

from __future__ import annotations

import zlib
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.orders.view import OrderView
from execution.core.orders.view_record import (
    RecordUnreadable,
    moment_bytes,
    read_view,
    shared_bytes,
    shared_of,
)
from execution.core.types import Quote, Traded
from tests.core.any_view import any_view


def kept(view: OrderView) -> tuple[bytes, bytes]:
    digest, shared = shared_bytes(shared_of(view))
    return shared, moment_bytes(view, digest)


def digits(found: object) -> str:
    """Return all its values, to the last digit of each number; UTC has two spellings."""
    return repr(found).replace("TzInfo(0)", "datetime.timezone.utc")


@given(st.integers(0, 2**32))
def test_a_view_comes_back_as_it_was_and_decides_the_same(seed: int) -> None:
    view = any_view(seed)
    view = replace(view, traded=(Traded(view.start_at, view.now, Decimal("1E+2")),))
    again = read_view(*kept(view))
    assert again == view
    assert digits(decide(again)) == digits(decide(view))


def test_what_is_no_number_is_kept_too() -> None:
    view = next(view for view in map(any_view, range(99)) if view.accounts[0].quote is not None)
    nan = Decimal("NaN")
    quote = Quote(nan, Decimal("Infinity"), None, None, view.now)
    odd = replace(view, accounts=(replace(view.accounts[0], quote=quote), *view.accounts[1:]))
    assert digits(read_view(*kept(odd))) == digits(odd)


def test_a_record_that_was_changed_or_is_of_another_format_is_refused() -> None:
    shared, moment = kept(any_view(1))
    other, _ = kept(any_view(2))
    with pytest.raises(RecordUnreadable, match="not of one decision"):
        read_view(other, moment)
    with pytest.raises(RecordUnreadable, match="cannot be read"):
        read_view(shared, moment[:-5])
    later = zlib.compress(zlib.decompress(moment).replace(b'"format":1', b'"format":2'))
    with pytest.raises(RecordUnreadable, match="format 2"):
        read_view(shared, later)
