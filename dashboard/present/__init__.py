"""Facts in the words and figures of the pages."""
