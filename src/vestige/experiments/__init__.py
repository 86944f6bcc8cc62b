"""The catalogue: one entry per published experiment, with its presets and the numbers to stand beside."""

from vestige.experiments.catalogue import CATALOGUE as CATALOGUE
from vestige.experiments.catalogue import find as find
from vestige.experiments.entry import Entry as Entry
