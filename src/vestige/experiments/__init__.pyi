"""One experiment for all: what is learned, by what model and rule; the catalogue, run folders, comparisons."""

from .catalogue import CATALOGUE as CATALOGUE
from .comparison import compare as compare
from .entry import Entry as Entry
from .execution import execute as execute
from .experiment import Components as Components
from .experiment import Experiment as Experiment
from .restoring import load as load
