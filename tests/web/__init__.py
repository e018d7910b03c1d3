"""The web process as a desk runs it: real processes, real sockets, the tests' database and Redis."""
