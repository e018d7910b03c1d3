"""The rows of the engine's workers, and how a decision becomes rows."""
