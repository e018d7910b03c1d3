"""Parent orders: previewed, submitted, amended, planned again."""
