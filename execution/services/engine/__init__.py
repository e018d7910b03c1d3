"""What the engine's workers own, and how a decision becomes rows."""
