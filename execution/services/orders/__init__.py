"""Parent orders: their preview, submit, amendment, approval and replanning."""
