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
    Mutant("the overfill check of a placement, with a careless decider", "I1", guards.no_overfill_check),
    Mutant("unknown children are not reserved", "I1", guards.unknown_is_not_reserved),
    Mutant("replaced before the cancelled one is settled", "I1", guards.replaced_before_settled),
    Mutant("over before its end is told", "I1", guards.over_too_early),
    Mutant("a fill is recorded again when it is told again", "I2", guards.fills_twice),
    Mutant("sent before it is written as submitted", "I3", guards.sent_before_written),
    Mutant("sent again while its answer is not known", "I3", guards.submitted_twice),
    Mutant("absent at the first poll that does not show it", "I4", guards.absent_too_early),
    Mutant(
        "absent after a fixed second, whatever the exchange guarantees",
        "I4",
        guards.absent_after_a_fixed_second,
    ),
    Mutant("reported figures may fall", "I5", guards.reported_may_fall),
    Mutant("price against limit and collar, with a careless decider", "I7", guards.no_price_check),
    Mutant("the halt at a placement and at a check", "I7", guards.no_halt_at_placement),
    Mutant("the halt at a submit", "I7", guards.no_halt_at_submit),
    Mutant("the idempotency key", "I8", guards.no_idempotency_key),
    Mutant("the fence of a decision", "I9", guards.no_order_fence),
    Mutant("the fence of a session", "I9", guards.no_session_fence),
    Mutant("the validity window of a request", "I9", guards.no_validity_window),
    Mutant("a worker claims what another holds", "I9", guards.stale_owner_claims),
    Mutant(
        "who stops lets nothing arrive before it gives its accounts away",
        "I9",
        guards.nothing_arrives_before_a_stop,
    ),
    Mutant("a cancel is tried once", "I10", guards.cancel_tried_once),
    Mutant("what other live orders reserve", "I11", guards.no_reservation),
    Mutant("the balance at the last gate", "I11", guards.no_balance_at_the_last_gate),
    Mutant("the limits at a submit, an amendment and a resume", "I11", guards.no_limits_at_submit),
    Mutant("children of a second are not counted at the last gate", "I11", guards.no_message_rate),
    Mutant("a child's changes are not journalled", "I12", guards.no_journal),
    Mutant("stale quotes are good enough", "I14", guards.stale_quotes_are_fine),
    Mutant("what was held back is sent as it was decided", "I7", guards.no_last_gate),
    Mutant("a symbol in doubt takes children", "I18", guards.sent_while_in_doubt),
    Mutant(
        "a poll from before a doubt ends it", "I18", partial(guards.sent_while_in_doubt, "_is_since_doubt")
    ),
    Mutant("a new session reads no trades", "I18", guards.no_trades_at_first),
    Mutant("fills of which a figure tells are not read", "I16", guards.no_missing_fills),
    Mutant("an opposite child of the desk, at a submit", "I19", guards.no_opposite_check),
    Mutant("the visible quantity, with a careless decider", "I17", guards.no_visible_check),
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
