"""An order as its trader asks for it: parameters, terms, plan and what an algorithm sees of it."""
