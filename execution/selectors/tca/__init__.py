"""The results of orders, for reports and charts."""
