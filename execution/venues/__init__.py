from execution.venues import ccxt_packages  # noqa: F401  # before anything of ccxt's, which would load all of it
