"""The catalogue: one entry per published experiment, with its presets and the numbers to stand beside."""

from vestige.experiments.catalogue import CATALOGUE as CATALOGUE
from vestige.experiments.catalogue import Entry as Entry
from vestige.experiments.catalogue import find as find
