"""Rules for a recognition and a generation network that learn from each other: nothing crosses layers."""

from vestige.rules.tied.bihm import BidirectionalHelmholtz as BidirectionalHelmholtz
from vestige.rules.tied.exact import ExactLikelihood as ExactLikelihood
from vestige.rules.tied.hybrid import Hybrid as Hybrid
from vestige.rules.tied.nvil import NVIL as NVIL
from vestige.rules.tied.nvil import NVILCarry as NVILCarry
from vestige.rules.tied.proposals import AbstractProposal as AbstractProposal
from vestige.rules.tied.proposals import Guided as Guided
from vestige.rules.tied.proposals import Upward as Upward
from vestige.rules.tied.reweighted import ReweightedWakeSleep as ReweightedWakeSleep
from vestige.rules.tied.vimco import VIMCO as VIMCO
from vestige.rules.tied.wake_sleep import WakeSleep as WakeSleep
