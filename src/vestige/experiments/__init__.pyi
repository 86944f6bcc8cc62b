"""One experiment for all: what is learned, by what model and rule; the catalogue of presets."""

from .catalogue import CATALOGUE as CATALOGUE
from .entry import Entry as Entry
from .experiment import Components as Components
from .experiment import Experiment as Experiment
