"""Parent orders: their preview, submit, amendment, approval, and changes of their plan."""
