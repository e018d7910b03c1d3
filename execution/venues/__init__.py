from execution.venues import exchanges  # noqa: F401  # before anything of ccxt's, which would load all of it
