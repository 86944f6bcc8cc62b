"""Models, each family in a room of its own."""
