"""The first page of a trader: a watchlist and the live orders that they see."""
