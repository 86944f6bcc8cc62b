"""Two-Colors: a memory that keeps the colour of a pillar, seen in a first-person game."""

from vestige.experiments.twocolors.options import TwoColors as TwoColors
