"""The one driver, and everything that must survive a kill."""

from .checkpoints import Checkpoints as Checkpoints
from .loop import Fit as Fit
from .loop import fit as fit
from .optimisers import AdamSpec as AdamSpec
from .optimisers import MuonSpec as MuonSpec
from .optimisers import OptimiserSpec as OptimiserSpec
from .refusal import Refused as Refused
from .run import Cadence as Cadence
from .run import Run as Run
from .state import RunState as RunState
