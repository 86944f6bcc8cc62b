"""From a file of the user's to a trained run: one strategy for each kind of data."""
