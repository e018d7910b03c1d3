"""Markets that are generated or replayed: matching, other participants, prices and candles."""
