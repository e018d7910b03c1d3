"""The seeded fault simulation: the real engine, services and core in virtual time, every fault drawn from one seed."""
