"""Reports of commands: what a run found, as one HTML file of charts that needs no network."""
