"""The paper exchange: a local server that imitates the APIs of several exchanges. So the code that trades on paper is
the code that trades money.
"""
