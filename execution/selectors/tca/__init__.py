"""The results of orders, read for reports and charts."""
