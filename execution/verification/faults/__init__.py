"""The seeded fault simulation: the real engine, services and core in virtual time, with all faults drawn from one
seed.
"""
