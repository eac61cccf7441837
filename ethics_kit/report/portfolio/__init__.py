"""The pages over all systems of a reports folder."""
