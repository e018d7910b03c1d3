"""The journal's chain shows any change, and its folds say where it leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from execution.core.journal import (
    GENESIS,
    Entry,
    Head,
    Link,
    broken_at,
    chain_breaks,
    entry_hash,
    fold_status,
    fold_terms_version,
)
from execution.core.states import OrderStatus
from tests.core.builders import NOW

Chain = list[tuple[Entry, str]]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
data = st.dictionaries(texts, st.one_of(texts, st.integers(), st.none()), max_size=3)


def chained(entries: list[Entry]) -> Chain:
    previous, chain = GENESIS, []
    for entry in entries:
        previous = entry_hash(previous, entry)
        chain.append((entry, previous))
    return chain


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    contents = draw(st.lists(st.tuples(texts, texts, texts, data), min_size=1, max_size=6))
    return chained(
        [
            Entry(version, kind, actor, reason, more, NOW + timedelta(seconds=version))
            for version, (kind, actor, reason, more) in enumerate(contents, start=1)
        ]
    )


@given(chains())
def test_an_untouched_chain_holds(chain: Chain) -> None:
    assert broken_at(chain) is None


@given(
    chains(),
    st.sampled_from(["kind", "actor", "reason", "data", "at", "version"]),
    st.data(),
)
def test_any_change_of_an_entry_is_found_there(chain: Chain, name: str, choices: st.DataObject) -> None:
    at = choices.draw(st.integers(0, len(chain) - 1))
    entry, stored = chain[at]
    news: dict[str, Any] = {
        "data": {**entry.data, "quantity": "999.9"},
        "at": entry.at + timedelta(microseconds=1),
        "version": entry.version + 1,
    }
    changed = replace(
        entry, **{name: news.get(name, getattr(entry, name) if name in news else "forged " + str(at))}
    )
    assume(changed != entry)
    chain[at] = (changed, stored)
    assert broken_at(chain) == changed.version


@given(chains(), st.data())
def test_a_removed_entry_is_missed(chain: Chain, choices: st.DataObject) -> None:
    assume(len(chain) > 1)
    at = choices.draw(st.integers(0, len(chain) - 2))  # nothing in the chain itself can miss its last entry
    del chain[at]
    assert broken_at(chain) is not None


@given(chains(), st.data())
def test_another_order_of_entries_is_found(chain: Chain, choices: st.DataObject) -> None:
    shuffled = choices.draw(st.permutations(chain))
    assume(shuffled != chain)
    assert broken_at(shuffled) is not None


@given(chains(), st.data())
def test_a_change_a_loss_and_an_exchange_are_named_where_they_are(
    chain: Chain, choices: st.DataObject
) -> None:
    links = [Link(100 + entry.version, entry, stored) for entry, stored in chain]
    head, at = Head(len(links), links[-1].hash), choices.draw(st.integers(0, len(links) - 1))
    assert list(chain_breaks(links, head)) == []
    victim = links[at]
    changed = replace(victim, entry=replace(victim.entry, reason=f"{victim.entry.reason}, forged"))
    told = list(chain_breaks([*links[:at], changed, *links[at + 1 :]], head))
    assert [(one.kind, one.version, one.row) for one in told] == [("changed", at + 1, victim.row)]
    told = list(chain_breaks([*links[:at], *links[at + 1 :]], head))
    assert [(one.kind, one.version, one.row) for one in told] == [("missing", at + 1, None)]
    assume(at > 0)
    before = links[at - 1]
    exchanged = [
        replace(victim, entry=replace(victim.entry, version=at)),
        replace(before, entry=replace(before.entry, version=at + 1)),
    ]
    told = list(chain_breaks([*links[: at - 1], *exchanged, *links[at + 1 :]], head))
    assert {(at, victim.row), (at + 1, before.row)} <= {(one.version, one.row) for one in told}


@given(chains(), st.data())
def test_a_rewritten_entry_breaks_the_one_after_it(chain: Chain, choices: st.DataObject) -> None:
    assume(len(chain) > 1)
    at = choices.draw(st.integers(0, len(chain) - 2))
    previous = chain[at - 1][1] if at else GENESIS
    forged = replace(chain[at][0], reason="forged, with a hash that fits")
    assume(forged != chain[at][0])
    chain[at] = (forged, entry_hash(previous, forged))
    assert broken_at(chain) == chain[at + 1][0].version


def test_an_empty_journal_is_whole_and_leads_nowhere() -> None:
    assert broken_at([]) is None
    assert fold_status([]) is None
    assert fold_terms_version([]) is None


@given(st.lists(st.sampled_from(OrderStatus), min_size=1, max_size=5), st.integers(1, 9))
def test_the_folds_are_the_last_of_their_kind(statuses: list[OrderStatus], terms: int) -> None:
    entries = [Entry(1, "submitted", "trader", "", {"terms_version": terms, "status": statuses[0]}, NOW)]
    entries += [Entry(2, "moved", "desk", "", {"status": str(status)}, NOW) for status in statuses]
    entries += [Entry(3, "fill", "venue", "", {"price": "1"}, NOW)]
    assert fold_status(entries) is statuses[-1]
    assert fold_terms_version(entries) == terms


def test_a_status_that_does_not_exist_is_no_status() -> None:
    with pytest.raises(ValueError, match="'gone' is not a valid OrderStatus"):
        fold_status([Entry(1, "x", "desk", "", {"status": "gone"}, NOW)])
