"""Market data and its reliability: freshness, the states of feeds, the merged book, candles."""
