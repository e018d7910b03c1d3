"""Trading limits: the figures that they bound, the judgement of an order against them, and the sentences about it."""
