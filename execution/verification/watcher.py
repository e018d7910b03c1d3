"""The interface by which a run tells a person at the terminal how far it is."""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """A person at the terminal, or nobody."""

    def begin(self, stage: str) -> None:
        """Show that a stage of the run begins. The run has named its stages before, each with its seconds."""

    def say(self, text: str) -> None:
        """Show a line about the run, only if a person looks. The result must have it too."""

    def warn(self, text: str) -> None:
        """Write a line that the result does not have, whether or not a person looks."""
