"""Rules for a recognition and a generation network that learn from each other: nothing crosses layers."""

from .bihm import BidirectionalHelmholtz as BidirectionalHelmholtz
from .exact import ExactLikelihood as ExactLikelihood
from .hybrid import Hybrid as Hybrid
from .nvil import NVIL as NVIL
from .nvil import NVILCarry as NVILCarry
from .proposals import AbstractProposal as AbstractProposal
from .proposals import Guided as Guided
from .proposals import Upward as Upward
from .reweighted import ReweightedWakeSleep as ReweightedWakeSleep
from .vimco import VIMCO as VIMCO
from .wake_sleep import WakeSleep as WakeSleep
