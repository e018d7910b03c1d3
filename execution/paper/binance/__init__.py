"""The binance dialect: Binance's REST and websockets on top of the exchange's books and ledger."""
