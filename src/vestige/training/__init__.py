"""The one driver, and everything that must survive a kill."""

from vestige.training.checkpoints import Checkpoints as Checkpoints
from vestige.training.fit import Fit as Fit
from vestige.training.fit import fit as fit
from vestige.training.run import Cadence as Cadence
from vestige.training.run import Run as Run
from vestige.training.state import RunState as RunState
