"""The desk's libraries: their list, the comparison with the pinned versions, and known vulnerabilities."""
