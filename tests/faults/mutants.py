"""Mutation of the guards: with one invariant's check taken away, the seeds must notice.

``uv run python -m tests.faults.mutants --seeds 2000`` prints after how many seeds each was noticed, as Markdown.
``tests.faults.guards`` says what each one replaces.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, update_wrapper
from inspect import isfunction

from tests.faults import guards

#: Seeds that the product as it is must pass first, or nothing below says anything.
CONTROL = 10


@dataclass(frozen=True)
class Mutant:
    """``patches`` gives what is replaced: (where, name, by what); called when Django is set up."""

    name: str
    invariant: str
    patches: Callable[[], guards.Patches]


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """Run the product with the mutant's change."""
    patches = mutant.patches()
    before = [(place, name, getattr(place, name)) for place, name, _ in patches]
    for (place, name, changed), (_, _, real) in zip(patches, before, strict=True):
        if isfunction(changed) and isfunction(real):
            update_wrapper(changed, real)  # the simulation knows statements by their names
        setattr(place, name, changed)
    try:
        yield
    finally:
        for place, name, real in before:
            setattr(place, name, real)


MUTANTS = (
    Mutant(
        "the overfill check when a child is written, with a careless algorithm",
        "I1",
        guards.no_overfill_check,
    ),
    Mutant("the quantity of an unknown child is not reserved", "I1", guards.unknown_is_not_reserved),
    Mutant("a child is replaced before its cancel has settled", "I1", guards.replaced_before_settled),
    Mutant("a child is over before the exchange has told its end", "I1", guards.over_too_early),
    Mutant("a fill is recorded again when the exchange tells it again", "I2", guards.fills_twice),
    Mutant("a child is sent before it is written as submitted", "I3", guards.sent_before_written),
    Mutant("a child is sent again while the answer to its create is not known", "I3", guards.submitted_twice),
    Mutant("a child counts as absent at the first poll that does not list it", "I4", guards.absent_too_early),
    Mutant(
        "a child counts as absent after a fixed time, whatever the exchange guarantees",
        "I4",
        guards.absent_after_a_fixed_second,
    ),
    Mutant("the reported filled quantity of a child may fall", "I5", guards.reported_may_fall),
    Mutant(
        "the check of a price against limit and collar, with a careless algorithm",
        "I7",
        guards.no_price_check,
    ),
    Mutant("halts are not checked when a child is decided and written", "I7", guards.no_halt_at_placement),
    Mutant("halts are not checked when a child is submitted", "I7", guards.no_halt_at_submit),
    Mutant("idempotency keys are not remembered", "I8", guards.no_idempotency_key),
    Mutant("the order's fence is not checked at a decision", "I9", guards.no_order_fence),
    Mutant("the account's fence is not checked at a submit", "I9", guards.no_session_fence),
    Mutant("a create request stays valid for an hour", "I9", guards.no_validity_window),
    Mutant("a worker claims orders and accounts that another one owns", "I9", guards.stale_owner_claims),
    Mutant(
        "an engine that stops gives its accounts away while its creates may still arrive",
        "I9",
        guards.nothing_arrives_before_a_stop,
    ),
    Mutant("a cancel is sent only once", "I10", guards.cancel_tried_once),
    Mutant("balances that other live orders reserve are not counted", "I11", guards.no_reservation),
    Mutant(
        "the balance is not checked just before a child is sent", "I11", guards.no_balance_at_the_last_gate
    ),
    Mutant(
        "the limits are not checked at a submit, an amendment and a resume", "I11", guards.no_limits_at_submit
    ),
    Mutant("children of a second are not counted just before a child is sent", "I11", guards.no_message_rate),
    Mutant("the changes of a child are not journalled", "I12", guards.no_journal),
    Mutant("stale quotes count as fresh", "I14", guards.stale_quotes_are_fine),
    Mutant("a child that was held back is sent as it was decided", "I7", guards.no_last_gate),
    Mutant("children are sent for a symbol that is in doubt", "I18", guards.sent_while_in_doubt),
    Mutant(
        "a poll that began before a doubt ends the doubt",
        "I18",
        partial(guards.sent_while_in_doubt, "_is_since_doubt"),
    ),
    Mutant("a new session does not read the account's trades", "I18", guards.no_trades_at_first),
    Mutant(
        "fills are not read although the reported filled quantity shows them", "I16", guards.no_missing_fills
    ),
    Mutant("a submit does not look for an opposite child of the desk", "I19", guards.no_opposite_check),
    Mutant("the check of the visible quantity, with a careless algorithm", "I17", guards.no_visible_check),
)


def noticed_after(mutant: Mutant, seeds: int, source: bytes, first: int = 1) -> tuple[int, str] | None:
    """Return how many seeds it took, and the message; None when none noticed."""
    from execution.verification.faults.runner import run_seeds

    with mutated(mutant):
        for number, verdict in enumerate(run_seeds(range(first, first + seeds), None, source), start=1):
            if verdict.violation:
                return number, verdict.violation
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--only", default="", help="words of the mutants to try")
    parser.add_argument("--from", type=int, default=0, dest="begin", help="leave out this many mutants")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from execution.verification.faults.runner import prepared

    source, survivors = prepared(), 0
    control = noticed_after(Mutant("nothing", "", list), CONTROL, source)
    if control is not None:
        print(f"with every check in its place seed {control[0]} fails: {control[1]}", file=sys.stderr)
        return 2
    print("| check taken away | invariant | noticed after | what was seen |\n| --- | --- | ---: | --- |")
    for mutant in MUTANTS[options.begin :]:
        if options.only not in mutant.name:
            continue
        begun = time.monotonic()
        found = noticed_after(mutant, options.seeds, source)
        survivors += found is None
        after, seen = (
            ("not noticed", "") if found is None else (str(found[0]), found[1][:90].replace("|", "/"))
        )
        print(f"| {mutant.name} | {mutant.invariant} | {after} | {seen} |", flush=True)
        print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
