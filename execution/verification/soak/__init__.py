"""A desk that trades for hours: whether memory, open files and database keep their size."""
