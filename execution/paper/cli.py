"""Starts the paper exchange from a command line. Knows no Django, so that it starts fast."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from execution.core.numbers import NumberRefused, decimal_number, whole_number
from execution.paper.app import MARKET_TASK, create_app
from execution.paper.limits import WEIGHT_PER_MINUTE
from execution.paper.profiles import ALONE, PROFILES, Profile

logger = logging.getLogger("paper")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument(
        "--port", type=whole_number, default=9001, help="port to listen on; 0 takes a free one"
    )
    parser.add_argument("--folder", type=Path, required=True, help="where state and accounts.json live")
    parser.add_argument(
        "--seed", type=whole_number, default=7, help="seed of the background market and the faults"
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        help="one of the venues that share a price (default: one that stands alone)",
    )
    parser.add_argument("--maker-fee", type=_fee, help="fraction, default the profile's, else 0.001")
    parser.add_argument("--taker-fee", type=_fee, help="fraction, default the profile's, else 0.001")
    parser.add_argument(
        "--weight-limit",
        type=whole_number,
        default=WEIGHT_PER_MINUTE,
        help="request weight a minute and address",
    )


def _fee(text: str) -> Decimal:
    try:
        fee = decimal_number(text)
    except NumberRefused as refused:
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: {refused}") from None
    if not Decimal(0) <= fee < Decimal("0.1"):
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 0.1): a fee is a fraction, 0.001 is 10 bp")
    return fee


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="paper", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    return asyncio.run(serve_as_asked(vars(options)))


async def serve_as_asked(options: Mapping[str, Any]) -> int:
    """``serve`` with the options of ``add_arguments``."""
    profile = PROFILES[options["profile"]] if options["profile"] else ALONE
    fees = {name: options[name] for name in ("maker_fee", "taker_fee") if options[name] is not None}
    names = ("host", "port", "folder", "seed", "weight_limit")
    return await serve(profile=replace(profile, **fees), **{name: options[name] for name in names})


async def serve(
    *,
    host: str,
    port: int,
    folder: Path,
    seed: int,
    profile: Profile,
    weight_limit: int,
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status, 1 when the market's task failed."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    application = create_app(folder, seed=seed, profile=profile, weight_per_minute=weight_limit)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.3)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound = runner.addresses[0][1]
    sys.stdout.write(f"paper exchange ready on http://{host}:{bound}\n")
    sys.stdout.flush()
    stopped = asyncio.create_task(stop.wait())
    market = application[MARKET_TASK]
    await asyncio.wait({stopped, market}, return_when=asyncio.FIRST_COMPLETED)
    failed = market.done() and not market.cancelled() and market.exception() is not None
    if failed:
        logger.error("the market's task failed", exc_info=market.exception())
    await runner.cleanup()
    return 1 if failed else 0
