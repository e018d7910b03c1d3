"""An order as its trader asks for it: its parameters, terms and plan, and the view that an algorithm gets of it."""
