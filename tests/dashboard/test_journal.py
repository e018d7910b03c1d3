"""The search in journal and audit: its filters, its pages, its file, and what is broken stands beside its row."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dashboard.present.entry_tables import details_of
from execution.models import AuditEntry, JournalEntry
from execution.selectors.orders import entries
from execution.services.orders.orders import order_pause
from execution.services.records.audit import audit_append
from tests.dashboard.desk_fixture import Desk
from tests.tampering import change


def lines_of(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def acted(office: Desk) -> tuple[Desk, str]:
    """Return an order that its trader paused, beside another one."""
    order = office.order()
    office.order(key="other")
    order_pause(public_id=order.public_id, person=office.trader, reason="=2+3 lunch", now=timezone.now())
    return office, order.public_id


@pytest.mark.django_db
def test_each_filter_narrows_and_what_is_not_understood_is_refused(acted: tuple[Desk, str]) -> None:
    office, order = acted
    client = office.client(office.supervisor)
    everything = JournalEntry.objects.count()
    today = f"{timezone.now():%Y-%m-%d}"
    counts = {
        "": everything,
        f"order={order}": JournalEntry.objects.filter(order__public_id=order).count(),
        f"person={office.trader.username}&kind=pause": 1,
        f"person={office.trader.username}": 3,
        "person=desk": JournalEntry.objects.filter(actor="desk").count(),
        "q=LUNCH": 1,
        "q=paus": JournalEntry.objects.filter(kind="pause").count(),
        "q=plan_version": everything - JournalEntry.objects.exclude(data__has_key="plan_version").count(),
        "account=alpha": everything,
        f"from={today}&to={today}": everything,
        "to=2020-01-01": 0,
    }
    for query, count in counts.items():
        assert len(lines_of(client.get(f"/journal/export.csv?{query}"))) == count, query
        assert client.get(f"/journal/?{query}").content.decode().count('<td class="mono"><time') == count
    page = client.get("/journal/?from=yesterday&before=x&account=nowhere&colour=red")
    assert page.content.decode().count("<p>") >= 4
    assert client.get("/journal/export.csv?from=yesterday").status_code == 422


@pytest.mark.django_db
def test_pages_follow_each_other_without_a_gap_while_entries_come_in(
    acted: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, _ = acted
    monkeypatch.setattr(entries, "PAGE_SIZE", 2)
    monkeypatch.setattr(entries, "CHUNK", 2)
    client = office.client(office.supervisor)
    wanted = list(JournalEntry.objects.order_by("-at", "-pk").values_list("pk", flat=True))
    seen: list[int] = []
    query = "?"
    while query:
        response = client.get(f"/journal/{query}")
        seen += [row["row"] for row in response.context["rows"]]
        query = response.context["older"] and f"?{response.context['older']}"
        if len(seen) == 2:
            office.order(key="late")
    assert seen == wanted
    exported = [int(line["Row"]) for line in lines_of(client.get("/journal/export.csv"))]
    assert exported == list(JournalEntry.objects.order_by("-at", "-pk").values_list("pk", flat=True))


@pytest.mark.django_db
def test_the_file_has_what_the_page_shows_and_no_formula(acted: tuple[Desk, str]) -> None:
    office, order = acted
    (line,) = lines_of(office.client(office.supervisor).get("/journal/export.csv?kind=pause"))
    entry = JournalEntry.objects.get(kind="pause")
    assert line["Reason"] == "'=2+3 lunch"
    assert (line["Order"], line["Who"], line["No."]) == (order, entry.actor, str(entry.version))
    assert (line["Hash"], line["Chain"]) == (entry.hash, "")
    assert "status paused" in line["Details"]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"role": {"before": "trader", "after": "admin"}}, "role trader → admin"),
        ({"confirm_above": {"before": None, "after": "5"}}, "confirm above – → 5"),
        ({"before": ["BTC/USDT"], "after": ["BTC/USDT", "ETH/USDT"]}, "BTC/USDT → BTC/USDT, ETH/USDT"),
        ({"limit": "order_notional", "before": None, "after": "9"}, "limit order_notional · – → 9"),
        (
            {
                "what": "account.grant",
                "changes": [{"name": "ada may use alpha", "before": "no", "after": "yes"}],
            },
            "what account.grant · changes ada may use alpha no → yes",
        ),
        ({"sessions": 2, "lost": None, "plan": {"slices": 1}}, 'sessions 2 · lost – · plan {"slices": 1}'),
        (
            {"permissions": {"read": True, "withdraw": False, "trade": None}},
            "permissions read yes, withdraw no, trade –",
        ),
        ({"orders_paused": [], "after": "x"}, "orders paused [] · after x"),
    ],
)
def test_a_change_is_shown_as_before_and_after(data: dict[str, Any], shown: str) -> None:
    assert details_of(data) == shown


@pytest.mark.django_db
def test_people_are_named_and_their_role_is_in_the_tooltip(acted: tuple[Desk, str]) -> None:
    office, _ = acted
    page = office.client(office.supervisor).get("/journal/?kind=pause").content.decode()
    assert '<td title="trader:trader">trader</td>' in page
    audit_append(kind="person.changed", actor="admin:admin", subject="trader", at=timezone.now())
    person = office.client(office.admin).get(f"/people/{office.trader.public_id}/").content.decode()
    assert '<td title="admin:admin">admin</td>' in person


@pytest.mark.django_db
def test_a_broken_chain_is_shown_where_the_row_is_shown(acted: tuple[Desk, str]) -> None:
    office, order = acted
    client = office.client(office.supervisor)
    assert "broken" not in client.get(f"/orders/{order}/").content.decode()
    audit_append(kind="drill", actor="desk", subject="one", at=timezone.now() - timedelta(days=1))
    audit_append(kind="drill", actor="desk", subject="two", at=timezone.now())
    change(JournalEntry, JournalEntry.objects.get(kind="pause").version)
    row = change(AuditEntry, 2)
    page = client.get(f"/orders/{order}/").content.decode()
    assert "The journal of this order is broken." in page
    assert 'id="order-breaks"' in page
    searched = client.get(f"/journal/?order={order}").content.decode()
    assert searched.count('class="is-broken"') == 1
    assert "A journal is broken." in searched
    audit = client.get("/journal/?source=audit").content.decode()
    assert f"audit, entry 2 (execution_auditentry, row {row})" in audit
    assert audit.count('class="is-broken"') == 1
    (line, _) = lines_of(client.get("/journal/export.csv?source=audit"))
    assert line["Chain"].startswith("entry 2 does not follow")
