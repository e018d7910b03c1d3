"""The command line of the paper exchange. It does not import Django, so that the exchange starts fast."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from execution.core.numbers import NumberRefused, decimal_number, float_number, whole_number
from execution.core.problem_codes import Code
from execution.core.problems import Refused, refuse
from execution.paper.app import MARKET_TASK, create_app
from execution.paper.limits import WEIGHT_PER_MINUTE
from execution.paper.profiles import ALONE, PROFILES, Profile
from execution.paper.replay import open_replay
from execution.paper.sources import MarketSource
from execution.paper.symbols import numbered

logger = logging.getLogger("paper")


MAX_LATENCY = 5.0  # seconds
MAX_SYMBOLS = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument(
        "--port", type=whole_number, default=9001, help="port to listen on; 0 takes a free one"
    )
    parser.add_argument("--folder", type=Path, required=True, help="where state and accounts.json live")
    parser.add_argument(
        "--seed", type=whole_number, default=7, help="seed of the background market and the faults"
    )
    market = parser.add_mutually_exclusive_group()
    market.add_argument(
        "--profile",
        choices=PROFILES,
        help="one of the venues that share a price (default: one that stands alone)",
    )
    market.add_argument(
        "--replay",
        type=Path,
        metavar="PATH",
        help="play a recording's folder, or a file of candles, instead of made-up markets",
    )
    parser.add_argument("--speed", type=float_number, help="times as fast as it was recorded (default 1)")
    parser.add_argument("--symbol", metavar="A/B", help="what a file of candles is of")
    parser.add_argument(
        "--from",
        dest="start",
        type=_moment,
        metavar="TIME",
        help="where in a file of candles to begin, such as 2023-03-17T12:00Z (default: its first)",
    )
    parser.add_argument("--maker-fee", type=_fee, help="fraction, default the profile's, else 0.001")
    parser.add_argument("--taker-fee", type=_fee, help="fraction, default the profile's, else 0.001")
    parser.add_argument(
        "--latency", type=_latency, help="seconds that answers and events take longer, default the profile's"
    )
    parser.add_argument(
        "--more-symbols",
        type=_count,
        default=0,
        help=f"further symbols to list, C001/USDT and so on, at most {MAX_SYMBOLS} (default 0)",
    )
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


def _latency(text: str) -> float:
    try:
        seconds = float(decimal_number(text))
    except NumberRefused as refused:
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: {refused}") from None
    if not 0 <= seconds <= MAX_LATENCY:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, {MAX_LATENCY:g}] seconds")
    return seconds


def _count(text: str) -> int:
    count = whole_number(text)
    if count > MAX_SYMBOLS:
        raise argparse.ArgumentTypeError(f"{text} symbols are more than {MAX_SYMBOLS}")
    return count


def _moment(text: str) -> int:
    """Return a time as seconds since the epoch. The text must name its time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no time such as 2023-03-17T12:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} has no time zone: write {text[:40]}Z for UTC")
    return int(moment.timestamp())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="paper", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        return asyncio.run(serve_as_asked(vars(options)))
    except Refused as refused:
        parser.error(str(refused))


async def serve_as_asked(options: Mapping[str, Any]) -> int:
    """Run ``serve`` with the options of ``add_arguments``. Raise ``Refused`` for a replay that cannot be played."""
    profile = PROFILES[options["profile"]] if options["profile"] else ALONE
    source, profile = _source(options, profile)
    changed = ("maker_fee", "taker_fee", "latency")
    changes = {name: options[name] for name in changed if options[name] is not None}
    profile = replace(profile, listed=(*profile.listed, *numbered(options["more_symbols"])), **changes)
    names = ("host", "port", "folder", "seed", "weight_limit")
    return await serve(profile=profile, source=source, **{name: options[name] for name in names})


def _source(options: Mapping[str, Any], profile: Profile) -> tuple[MarketSource | None, Profile]:
    path = options["replay"]
    if path is None:
        for name, option in (("speed", "--speed"), ("symbol", "--symbol"), ("start", "--from")):
            if options[name] is not None:
                refuse(name, f"{option} needs --replay.", str(options[name]), code=Code.VALUE_NOT_ALLOWED)
        return None, profile
    speed = 1.0 if options["speed"] is None else options["speed"]
    return open_replay(
        path,
        speed=speed,
        seed=options["seed"],
        symbol=options["symbol"],
        start=options["start"],
        profile=profile,
    )


async def serve(
    *,
    host: str,
    port: int,
    folder: Path,
    seed: int,
    profile: Profile,
    weight_limit: int,
    source: MarketSource | None = None,
) -> int:
    """Run until SIGTERM or SIGINT. Return the exit status: 1 if the task that runs the markets failed, otherwise 0."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    application = create_app(
        folder, seed=seed, profile=profile, weight_per_minute=weight_limit, source=source
    )
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
