"""The paper exchange: a local server that imitates the APIs of several exchanges.

So the desk trades on paper with the same code with which it trades real money.
"""
