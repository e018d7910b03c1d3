"""Presets on the ticket and on their page: what fits is offered, what is chosen is filled in, nothing is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from execution.core.orders.presets import parse_preset
from execution.models import Market, Order, Preset, User
from execution.services.desk.presets import preset_save
from tests.dashboard.desk_fixture import Desk

CHOICES = {"algorithm": "twap", "symbol": "BTC/USDT"}


def saved(person: User, name: str = "calm", **changes: Any) -> Preset:
    raw = {"name": name, "algorithm": "twap", "parameters": {"duration": "2h", "urgency": "0.2"}}
    return preset_save(person=person, request=parse_preset(raw | changes), now=timezone.now())


def choices(office: Desk, **changes: str) -> Any:
    return office.client(office.trader).get("/orders/new/presets/", CHOICES | changes)


def shown(response: Any) -> dict[str, list[str]]:
    return {words: [choice.words for choice in found] for words, found in response.context["presets"].groups}


def fields_of(context: Any) -> dict[str, str]:
    return {field.name: field.value for field in (*context["timing"], *context["advanced"])}


# --- the ticket's choices ------------------------------------------------------------------------


def test_the_ticket_names_those_that_fit_the_algorithm_and_the_symbol(office: Desk) -> None:
    saved(office.trader, "of btc", symbol="BTC/USDT")
    saved(office.trader, "of any")
    saved(office.supervisor, "of the desk")
    saved(office.trader, "of vwap", algorithm="vwap", parameters={"duration": "1h"})
    saved(office.other, "of another")
    page = office.client(office.trader).get("/orders/new/?symbol=BTC/USDT")
    assert shown(page) == shown(choices(office)) == {
        "Begin with": ["The defaults"],
        "Yours for BTC/USDT": ["of btc"],
        "Yours for any symbol": ["of any"],
        "The desk's": ["of the desk (any symbol)"],
    }  # fmt: skip
    assert choices(office).context["presets"].others == ("VWAP",)
    assert "Choose VWAP above to see its presets" in choices(office).content.decode()
    assert "Yours for BTC/USDT" not in shown(choices(office, symbol="ETH/USDT"))
    assert shown(choices(office, algorithm="vwap"))["Yours for any symbol"] == ["of vwap"]


def test_a_choice_fills_every_parameter_in_the_forms_words_and_no_side_or_quantity(office: Desk) -> None:
    preset = saved(
        office.trader,
        parameters={"duration": "2h", "urgency": "0.2", "participation_cap": "0.1"},
        accounts=[office.account.label],
        limit_mode="beside",
    )
    filling = choices(office).context["presets"].fillings[preset.public_id]
    fields = filling["fields"]
    assert (fields["duration"], fields["urgency"], fields["participation_cap"]) == ("02:00:00", "0.2", "10")
    assert (fields["slices"], fields["collar_bp"], fields["end_at"]) == ("", "50", "")
    assert not {"side", "quantity", "unit", "start_at", "i_would_price", "limit_price"} & fields.keys()
    assert (filling["accounts"], filling["limit"]) == ([office.account.public_id], "beside")


def test_what_a_choice_fills_in_is_read_again_as_it_was_saved(office: Desk) -> None:
    preset = saved(office.trader)
    fields = choices(office).context["presets"].fillings[preset.public_id]["fields"]
    office.client(office.trader).post("/orders/new/", office.form(**fields))
    terms = Order.objects.get().terms
    assert terms is not None
    assert {name: value for name, value in terms.parameters.items() if value is not None} == preset.parameters


def test_one_that_holds_no_more_is_shown_with_the_reason_and_cannot_be_chosen(office: Desk) -> None:
    preset = saved(office.trader)
    Preset.objects.update(parameters={**preset.parameters, "urgency": "2"})
    response = choices(office)
    page = response.content.decode()
    assert f'<option value="{preset.public_id}" disabled>calm (cannot be used)</option>' in page
    assert "calm cannot be used: Urgency is 2. It must be at most 1." in page
    assert preset.public_id not in response.context["presets"].fillings
    page = office.client(office.trader).get("/presets/").content.decode()
    assert "cannot be used: Urgency is 2. It must be at most 1." in page
    preset.refresh_from_db()
    assert preset.parameters["urgency"] == "2", "never silently altered"


def test_an_account_that_is_not_the_persons_any_more_is_left_out_by_name(office: Desk) -> None:
    preset = saved(office.trader, accounts=[office.account.public_id])
    office.account.traders.remove(office.trader)
    filling = choices(office).context["presets"].fillings[preset.public_id]
    assert filling["accounts"] is None
    assert filling["notes"] == ["Account alpha was left out: you may not use it, or it has no key in use."]


def test_an_algorithm_that_is_gone_is_not_found(office: Desk) -> None:
    assert choices(office, algorithm="gone").status_code == 404


# --- what was last used --------------------------------------------------------------------------


def test_a_new_ticket_begins_with_what_was_last_used_for_the_symbol_and_says_so(office: Desk) -> None:
    client = office.client(office.trader)
    client.post("/orders/new/", office.form(algorithm="vwap", duration="02:00:00", urgency="0.7", slices=""))
    order = Order.objects.get()
    response = client.get("/orders/new/?symbol=BTC/USDT")
    assert response.context["algorithm"] == "vwap"
    assert {"duration": "02:00:00", "urgency": "0.7", "end_at": ""}.items() <= fields_of(
        response.context
    ).items()
    page = response.content.decode()
    assert "Begun with VWAP, the parameters and the accounts of your last order in BTC/USDT, on " in page
    assert "?start=defaults&amp;symbol=BTC%2FUSDT" in page
    assert response.context["written"] == {}, "neither side nor quantity nor limit"
    fresh = client.get("/orders/new/?start=defaults&symbol=BTC/USDT")
    assert (fresh.context["algorithm"], fields_of(fresh.context)["duration"]) == ("twap", "01:00:00")
    assert "your last order" not in fresh.content.decode()
    last = choices(office, algorithm="vwap").context["presets"].fillings["last"]
    assert last["fields"]["urgency"] == "0.7"
    assert last["accounts"] == [office.account.public_id]
    assert order.symbol in last["name"]


def test_for_another_symbol_the_last_order_of_any_is_the_beginning(office: Desk) -> None:
    market = Market.objects.get()
    market.pk, market.symbol, market.base = None, "ETH/USDT", "ETH"
    market.save()
    client = office.client(office.trader)
    client.post("/orders/new/", office.form(algorithm="iceberg", visible_quantity="0.5", slices=""))
    response = client.get("/orders/new/?symbol=ETH/USDT")
    assert "You have no order in ETH/USDT yet" in response.content.decode()
    assert response.context["algorithm"] == "iceberg"
    assert fields_of(response.context)["visible_quantity"] == "", "a quantity of BTC says nothing about ETH"


def test_a_seed_and_times_of_the_last_order_are_not_repeated(office: Desk) -> None:
    client = office.client(office.trader)
    ends = timezone.now().replace(microsecond=0) + timedelta(minutes=90)
    form = office.form(randomise_size="10", duration="", end_at=ends.isoformat())
    client.post("/orders/new/", form)
    terms = Order.objects.get().terms
    assert terms is not None
    assert terms.parameters["seed"] is not None
    found = fields_of(client.get("/orders/new/?symbol=BTC/USDT").context)
    assert (found["seed"], found["end_at"], found["randomise_size"]) == ("", "", "10")
    assert found["duration"].startswith("01:"), "its length"


def test_what_was_last_used_and_holds_no_more_is_said_and_the_defaults_are_shown(office: Desk) -> None:
    order = office.order()
    assert order.terms is not None
    order.terms.parameters["urgency"] = "2"
    order.terms.save()
    response = office.client(office.trader).get("/orders/new/?symbol=BTC/USDT")
    page = response.content.decode()
    assert "cannot be used now. Urgency is 2. It must be at most 1. These are the defaults." in page
    assert fields_of(response.context)["urgency"] == "0.5"


def test_without_an_order_a_ticket_has_the_defaults_and_says_nothing(office: Desk) -> None:
    response = office.client(office.trader).get("/orders/new/")
    assert (response.context["algorithm"], response.context["start"].words) == ("twap", "")
    assert "start-note" not in response.content.decode()


# --- saving and the page --------------------------------------------------------------------------


def save(office: Desk, **changes: str) -> Any:
    form = office.form(preset_name="calm", preset_for="symbol", urgency="0.3") | changes
    return office.client(office.trader).post("/presets/", form, HTTP_HX_REQUEST="true")


def test_save_as_keeps_the_present_parameters_and_nothing_of_the_order(office: Desk) -> None:
    answer = save(office, preset_accounts="yes", preset_limit="none")
    preset = Preset.objects.get()
    assert "Saved as calm." in answer.content.decode()
    assert (preset.owner, preset.symbol, preset.algorithm) == (office.trader, "BTC/USDT", "twap")
    assert (preset.parameters["urgency"], preset.parameters["slices"]) == ("0.3", 12)
    assert (preset.accounts, preset.limit_mode) == ([office.account.public_id], "none")
    save(office, preset_for="any", preset_name="everywhere")
    assert Preset.objects.get(name="everywhere").symbol == ""
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"preset_name": ""}, "The name is missing. It may have from 1 to 40 characters."),
        ({"participation_cap": "120"}, "Participation cap is 120 %. It must be at most 100 %."),
        ({"duration": ""}, "Give either a duration or an end"),
        ({"i_would_price": "60000"}, "It belongs to one order"),
        ({"symbol": "DOGE/USDT"}, "does not trade DOGE/USDT"),
        ({"algorithm": "gone"}, "There is no algorithm"),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_is_kept(
    office: Desk, changes: dict[str, str], words: str
) -> None:
    page = save(office, **changes).content.decode()
    assert words in page
    assert "Nothing was saved." in page
    assert not Preset.objects.exists()


def test_a_name_that_is_taken_is_replaced_only_on_request(office: Desk) -> None:
    save(office)
    again = save(office, urgency="0.9").content.decode()
    assert "There is already a preset &#x27;calm&#x27; for TWAP on BTC/USDT" in again
    assert Preset.objects.get().parameters["urgency"] == "0.3"
    save(office, urgency="0.9", preset_replace="yes")
    assert Preset.objects.get().parameters["urgency"] == "0.9"


def test_the_page_lists_renames_and_deletes_ones_own(office: Desk) -> None:
    mine, desks = saved(office.trader), saved(office.supervisor, "the desk's one")
    client = office.client(office.trader)
    page = client.get("/presets/").content.decode()
    assert "duration 02:00:00, urgency 0.2" in page
    assert f"rename-{mine.public_id}" in page
    assert f"rename-{desks.public_id}" not in page
    assert client.post(f"/presets/{mine.public_id}/rename/", {"name": "calmer"}).status_code == 303
    mine.refresh_from_db()
    assert mine.name == "calmer"
    refused = client.post(f"/presets/{mine.public_id}/rename/", {"name": " "})
    assert refused.status_code == 422
    assert "The name is missing" in refused.content.decode()
    assert client.post(f"/presets/{desks.public_id}/delete/").status_code == 404
    assert client.post(f"/presets/{mine.public_id}/delete/").status_code == 303
    assert list(Preset.objects.all()) == [desks]


def test_a_supervisor_saves_for_the_desk_on_the_page(office: Desk) -> None:
    client = office.client(office.supervisor)
    form = {
        "preset_name": "house",
        "symbol": "",
        "algorithm": "is",
        "duration": "01:30:00",
        "risk": "high",
        "preset_limit": "beside",
    }
    assert client.post("/presets/", form).status_code == 303
    preset = Preset.objects.get()
    assert (preset.owner, preset.symbol, preset.parameters["risk"]) == (None, "", "high")
    page = client.get("/presets/").content.decode()
    assert "duration 01:30:00, risk aversion high" in page
    refused = client.post("/presets/", form | {"duration": "soon"})
    assert refused.status_code == 422
    assert 'value="soon"' in refused.content.decode(), "what was written stays"
    assert "Nothing was saved." in refused.content.decode()
