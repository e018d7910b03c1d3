"""The whole desk as a supervisor sees it."""
