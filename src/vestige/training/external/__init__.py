"""Sinks of other programs, each an extra of the package."""
