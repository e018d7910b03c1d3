"""The paper exchange: a local server that speaks Binance spot, so that the code that trades paper is the code
that trades money."""
