"""An order as its trader asks for it (parameters, terms, plan), and the view of it on which algorithms decide."""
