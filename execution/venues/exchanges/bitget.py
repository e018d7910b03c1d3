"""bitget: its ExchangeSpec. Sources are in docs/reference/exchanges.md."""

from __future__ import annotations

import re
from datetime import timedelta

from execution.core.types import MarketStatus
from execution.venues.spec import CandlePages, ExchangeSpec, MarketFields, Paging, RawFees, StatusField

SPEC = ExchangeSpec(
    snapshot_over_rest=False,
    config={
        "has": {"fetchCurrencies": False},
        "options": {"defaultType": "spot", "uta": False, "fetchMarkets": {"types": ["spot"]}},
    },
    test_header=("PAPTRADING", "1"),
    closed_in_test=("ws",),  # the test network's are in "demo"
    public_trades_page=500,
    create_params={"stpMode": "cancel_taker"},
    ioc_params={"force": "ioc"},  # as documented; ccxt writes it in capitals
    client_id_param="clientOrderId",
    client_id_rule=re.compile(r"[A-Za-z0-9_:#+-]{1,40}"),
    # A pair, as documented.
    validity_fields={"requestTime": "timestamp", "receiveWindow": "milliseconds"},
    by_client_id=True,
    filled_fields=("baseVolume",),
    pages={
        "open_orders": Paging("before_id", "idLessThan", 100, ("orderId",)),
        "closed_orders": Paging("before_id", "idLessThan", 100, ("orderId",)),
        "trades": Paging("before_id", "idLessThan", 100, ("tradeId",)),
    },
    # ccxt asks for a window from ``startTime`` to ``endTime``. The list of older candles gives 200 and counts
    # them from the end: of a longer window it would leave out the beginning.
    candles=CandlePages(200),
    stretch=timedelta(days=90),
    answer_field="data",
    lists_at=(
        (re.compile(r"/spot/(trade/(unfilled-orders|history-orders|fills)|account/assets)(\?|$)"), ("data",)),
        (re.compile(r"/spot/market/(history-)?candles\?"), ("data",)),
    ),
    # One in a list, several in the stream; ccxt reads the list's form for derivatives only.
    raw_fees=RawFees("feeDetail", ("totalFee", "fee"), "feeCoin", negated=True),
    market=MarketFields(
        status=(
            StatusField(
                "status",
                {
                    "online": MarketStatus.OPEN,
                    "gray": MarketStatus.HALTED,  # open to some accounts only
                    "offline": MarketStatus.HALTED,
                    "halt": MarketStatus.HALTED,
                },
            ),
        ),
        buy_ratio=("buyLimitPriceRatio",),
        sell_ratio=("sellLimitPriceRatio",),
    ),
    market_buys="quote",
    permissions_call=("privateSpotGetV2SpotAccountInfo", "spot"),
)
