"""The one driver, and everything that must survive a kill."""

from .callbacks import AbstractCallback as AbstractCallback
from .checkpoints import Checkpoints as Checkpoints
from .early_stopping import EarlyStopping as EarlyStopping
from .loop import Fit as Fit
from .loop import fit as fit
from .optimisers import AdamSpec as AdamSpec
from .optimisers import MuonSpec as MuonSpec
from .optimisers import OptimiserSpec as OptimiserSpec
from .refusal import Refused as Refused
from .run import Cadence as Cadence
from .run import Run as Run
from .sinks import AbstractSink as AbstractSink
from .state import RunState as RunState
