"""A desk that trades for hours, and a check that memory, open files and threads do not grow."""
