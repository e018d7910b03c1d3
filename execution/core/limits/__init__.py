"""Trading limits: their kinds, the judgement of orders against them, and the sentences about breaches."""
