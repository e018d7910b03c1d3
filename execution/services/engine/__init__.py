"""The rows of the engine's workers, and the writing of a decision into rows."""
