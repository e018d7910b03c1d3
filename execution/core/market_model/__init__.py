"""Markets that are made up: matching, background traders, prices and candles."""
