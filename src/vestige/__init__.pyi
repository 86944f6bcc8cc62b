"""Learning from sequences and structures when plain back-propagation is the wrong tool."""

from . import cells as cells
from . import data as data
from . import estimators as estimators
from . import experiments as experiments
from . import learners as learners
from . import memory as memory
from . import models as models
from . import online as online
from . import rules as rules
from . import runs as runs
from . import sequences as sequences
from . import structures as structures
from . import tasks as tasks
from . import training as training
from .calibration import calibrate as calibrate
from .estimators import expect as expect
from .experiments import Entry as Entry
from .experiments import Experiment as Experiment
from .online import Learner as Learner
from .registries import register as register
from .registries import registry as registry
from .runs import fit_table as fit_table
from .runs import load as load
from .spec import Spec as Spec
from .training import fit as fit
from .version import __version__ as __version__
