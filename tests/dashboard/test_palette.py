"""The palette: each person finds what they may see, and an order in words opens a ticket that it fills."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from dashboard.forms.ticket_links import ticket_link
from dashboard.present.pages import PAGES, pages_of
from dashboard.rates import MINUTE
from dashboard.views import palette as views
from execution.models import Account, Basket, Market, Order
from execution.payloads.orders import TicketAccount
from tests.authorisation import ROLES, TABLE
from tests.dashboard.desk_fixture import Desk


def search(client: Client, text: str = "") -> dict[str, Any]:
    response = client.get("/palette/", {"q": text})
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def items(client: Client, text: str, group: str) -> list[dict[str, str]]:
    found = {each["name"]: each["items"] for each in search(client, text)["groups"]}
    listed: list[dict[str, str]] = found.get(group, [])
    return listed


def field(page: str, name: str) -> str:
    """Return the value of an input, or the chosen option of a select."""
    pattern = rf'<(input|select)\b[^>]*?\bname="{name}"[^>]*?(?:value="([^"]*)"|>(.*?)</select>)'
    node = re.search(pattern, page, re.DOTALL)
    assert node is not None, name
    if node[1] == "input":
        return html.unescape(node[2])
    chosen = re.search(r"<option(?: value=\"([^\"]*)\")? selected>([^<]*)", node[3])
    return "" if chosen is None else chosen[1] or chosen[2]


# --- pages -----------------------------------------------------------------------------------------


def test_every_page_of_the_menu_is_found(office: Desk) -> None:
    for person in (office.trader, office.supervisor, office.admin):
        client = office.client(person)
        answer = search(client)
        found = {item["url"] for group in answer["groups"] for item in group["items"]}
        page = client.get("/me/").content.decode()
        menu = re.search(r'<nav id="places".*?</nav>', page, re.DOTALL)
        assert menu is not None
        links = set(re.findall(r'href="([^"]+)"', menu[0]))
        assert links - found == set(), person


#: Rows of the permissions that are no pages to open: files, parts of pages, and the doors.
NO_PAGES = re.compile(
    r".*\.csv|favicon.ico|livez|readyz|metrics|login/.*|again/|palette/|halts/new/preview/|orders/new/presets/|api/.*"
)


def test_every_page_that_a_role_may_see_is_listed_and_no_other() -> None:
    routes = {reverse(page.route).lstrip("/"): page.roles for page in PAGES}
    for line in TABLE.splitlines():
        if not line.startswith("GET ") or "<" in line:
            continue
        _, route, _, *cells = line.split()
        seen = dict(zip(ROLES, cells, strict=True))
        if NO_PAGES.fullmatch(route):
            assert route not in routes
            continue
        roles = routes["" if route == "/" else route]
        for role in ("trader", "supervisor", "admin"):
            if role in roles:
                assert seen[role] == "200", (route, role)
        # Admins may open the pages of orders, but there is nothing on them.
        assert {role for role in ("trader", "supervisor") if seen[role] == "200"} <= roles, route


def test_a_page_is_found_by_the_beginnings_of_its_words(office: Desk) -> None:
    trader = office.client(office.trader)
    assert [item["label"] for item in items(trader, "bal", "Pages")] == ["Balances"]
    assert [item["label"] for item in items(trader, "TCA", "Pages")] == ["Analysis"]
    assert items(trader, "new ord", "Pages")[0]["url"] == "/orders/new/"
    assert items(trader, "wall", "Pages") == []
    assert items(office.client(office.supervisor), "wall", "Pages")[0]["url"] == "/wall/"
    assert search(trader, "nothing of this name") == {"groups": [], "problems": []}
    assert len(pages_of(office.trader)) == len(search(trader)["groups"][0]["items"])


# --- orders and the like ---------------------------------------------------------------------------


def test_orders_are_found_by_id_reference_and_symbol_by_those_who_see_them(office: Desk) -> None:
    order = office.order(client_reference="Quarter end 7")
    url = f"/orders/{order.public_id}/"
    trader = office.client(office.trader)
    for text in (order.public_id, order.public_id[:4].upper(), "quarter", "end 7", "btc/us"):
        assert [item["url"] for item in items(trader, text, "Orders")] == [url], text
        assert items(office.client(office.other), text, "Orders") == [], text
        assert items(office.client(office.admin), text, "Orders") == [], text
    (item,) = items(office.client(office.supervisor), "quarter", "Orders")
    assert item["label"].startswith("▲ BUY 2.5 BTC/USDT")
    assert office.trader.username in item["detail"]
    assert items(trader, order.public_id[0], "Orders") == [], "one letter would find nearly everything"
    second = office.order(key="second", quantity="0.3")
    Order.objects.filter(pk=second.pk).update(status="completed")
    urls = [item["url"] for item in items(trader, "btc", "Orders")]
    assert urls == [url, f"/orders/{second.public_id}/"], "live ones come first"


def test_baskets_accounts_and_symbols_are_found(office: Desk) -> None:
    order = office.order()
    basket = Basket.objects.create(
        trader=office.trader, name="Rebalance", key="k", body_hash="h", size=1, created_at=order.created_at
    )
    trader, admin = office.client(office.trader), office.client(office.admin)
    assert items(trader, "rebal", "Baskets")[0]["url"] == f"/baskets/{basket.public_id}/"
    assert items(office.client(office.other), "rebal", "Baskets") == []
    label = office.account.label
    assert items(admin, label[:3], "Accounts")[0]["url"] == f"/accounts/{office.account.public_id}/"
    assert items(trader, label[:3], "Accounts") == []
    assert items(trader, "btc", "Symbols")[0]["url"] == "/orders/new/?symbol=BTC%2FUSDT"
    assert items(office.client(office.supervisor), "btc", "Symbols")[0]["url"].startswith("/orders/?symbol=")


def test_searches_are_bounded(office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = office.client(office.trader)
    response = client.get("/palette/", {"q": "x" * 601})
    assert (response.status_code, "at most 600" in response.content.decode()) == (422, True)
    assert search(client, "x\x00") == {"groups": [], "problems": []}
    monkeypatch.setattr(views, "MOST_SEARCHES", 0)
    refused = client.get("/palette/")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= MINUTE
    assert "more than 0 searches in a minute" in refused.content.decode()
    assert client.post("/palette/").status_code == 405


# --- an order in words -----------------------------------------------------------------------------


def test_an_order_in_words_opens_a_ticket_that_it_fills_and_sends_nothing(office: Desk) -> None:
    client = office.client(office.trader)
    label = office.account.label
    (item,) = items(client, f"sell 2 btc vwap 90m limit 60000 {label}", "New order")
    assert item["label"] == f"▼ SELL 2 BTC · BTC/USDT · VWAP · 1 h 30 min · limit 60,000 · {label}"
    assert item["detail"] == "opens the ticket"
    page = client.get(item["url"]).content.decode()
    assert Order.objects.count() == 0
    assert 'name="side" value="sell" checked' in page
    assert 'name="algorithm" value="vwap" checked' in page
    assert f'name="accounts" value="{office.account.public_id}" checked' in page
    names = ("symbol", "quantity", "unit", "limit_price", "duration")
    assert [field(page, name) for name in names] == ["BTC/USDT", "2", "base", "60000", "01:30:00"]
    assert "first-problems" not in page
    assert "note-box" not in page


def test_the_rate_of_a_pov_is_filled_in_and_without_it_it_is_still_to_choose(office: Desk) -> None:
    client, label = office.client(office.trader), office.account.label
    (item,) = items(client, f"buy 2 btc pov 12.5% 10m {label}", "New order")
    assert item["label"] == f"▲ BUY 2 BTC · BTC/USDT · POV · 12.5 % of the volume · 10 min · {label}"
    assert item["detail"] == "opens the ticket"
    assert field(client.get(item["url"]).content.decode(), "participation_rate") == "12.5"
    for algorithm, missing in (("pov", "participation rate"), ("iceberg", "visible quantity")):
        (item,) = items(client, f"buy 2 btc {algorithm} 10m {label}", "New order")
        assert item["detail"] == f"opens the ticket; still to choose: {missing}"


def test_a_part_of_an_order_says_what_is_still_to_be_written(office: Desk) -> None:
    client = office.client(office.trader)
    (item,) = items(client, "buy 5000 usdt btc", "New order")
    assert item["label"] == "▲ BUY 5,000 USDT · BTC/USDT"
    assert item["detail"] == "opens the ticket; still to choose: algorithm, duration, account"
    page = client.get(item["url"]).content.decode()
    assert (field(page, "quantity"), field(page, "unit"), field(page, "duration")) == (
        "5000",
        "quote",
        "01:00:00",
    )


def test_several_symbols_are_all_offered_and_problems_are_said(office: Desk) -> None:
    usd = Market.objects.get(symbol="BTC/USDT")
    usd.pk, usd.symbol, usd.quote = None, "BTC/USDC", "USDC"
    usd.save()
    Account.objects.filter(pk=office.account.pk).update(symbols=["BTC/USDT", "BTC/USDC"])
    client = office.client(office.trader)
    labels = [item["label"] for item in items(client, "buy 1 btc", "New order")]
    assert labels == ["▲ BUY 1 BTC · BTC/USDC", "▲ BUY 1 BTC · BTC/USDT"]
    (problem,) = search(client, "buy 1 doge")["problems"]
    assert "'doge' is unknown" in problem
    answer = search(office.client(office.supervisor), "buy 1 btc")
    assert answer["problems"] == []
    assert "New order" not in {group["name"] for group in answer["groups"]}


# --- the ticket's address --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("side=hold&symbol=BTC/USDT", ("Side is &#x27;hold&#x27;", "buy, sell")),
        ("unit=lots", ("Unit is &#x27;lots&#x27;",)),
        ("algorithm=best", ("no algorithm &#x27;best&#x27;",)),
        ("symbol=DOGE/USDT", ("None of your accounts trades DOGE/USDT.",)),
        ("accounts=nobody", ("Account nobody was left out",)),
        ("qty=5", ("no field &#x27;qty&#x27;",)),
        ("quantity=five", ("Quantity is five",)),
        ("limit_price=-1", ("Limit price is -1",)),
        ("duration=soon", ("Duration is soon",)),
        ("urgency=7", ("Urgency is 7",)),
        (f"client_reference={'x' * 65}", ("65 characters", "at most 64")),
    ],
)
def test_a_bad_value_in_the_address_is_named_and_nothing_takes_its_place(
    office: Desk, query: str, words: tuple[str, ...]
) -> None:
    response = office.client(office.trader).get(f"/orders/new/?{query}")
    page = response.content.decode()
    assert response.status_code == 200
    assert [word for word in words if word not in page] == []


def test_the_address_fills_fields_of_the_algorithm_and_opens_what_it_fills(office: Desk) -> None:
    client = office.client(office.trader)
    page = client.get(
        "/orders/new/?algorithm=pov&participation_rate=12&participation_cap=20"
    ).content.decode()
    assert field(page, "participation_rate") == "12"
    assert '<details class="more" open>' in page
    page = client.get("/orders/new/?symbol=BTC/USDT").content.decode()
    assert '<details class="more">' in page
    page = client.get("/orders/new/?end_at=16:30").content.decode()
    assert (field(page, "end_at"), field(page, "duration")) == ("16:30", "")


GRANTED = [
    TicketAccount(
        id="aaaaaaaa",
        label="alpha",
        venue=1,
        markets=[{"symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "tick": "0.1", "lot": "0.001"}],
    )
]


@given(
    st.lists(
        st.tuples(st.sampled_from(("symbol", "side", "accounts", "x", "quantity")), st.text(max_size=90))
    )
)
def test_any_address_gives_a_ticket_with_the_persons_own_accounts(pairs: list[tuple[str, str]]) -> None:
    query = QueryDict(mutable=True)
    for name, value in pairs:
        query.appendlist(name, value)
    link = ticket_link(query, GRANTED)
    assert {*link.accounts, *link.trading} <= {"aaaaaaaa"}
    assert link.given.get("side", "buy") in ("buy", "sell")
    assert link.given.get("symbol", "BTC/USDT") == "BTC/USDT"
    assert "x" not in link.given


def test_the_addresses_of_the_palette_are_the_desks_own(office: Desk) -> None:
    office.order()
    for text in ("", "btc", "buy 1 btc"):
        for group in search(office.client(office.trader), text)["groups"]:
            for item in group["items"]:
                parts = urlsplit(item["url"])
                assert (parts.scheme, parts.netloc, parts.path[:1]) == ("", "", "/")
