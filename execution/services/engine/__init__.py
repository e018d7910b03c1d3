"""The services behind the engine: workers and their leases, and the writing of a decision's outcome into rows."""
