"""The seeded fault simulation: the real engine, services and core in virtual time. One seed determines all faults."""
