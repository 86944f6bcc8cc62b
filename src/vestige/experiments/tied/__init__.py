"""Recognition and generation from one stack of weights, and the calibration of a classifier read as such a stack."""

from vestige.experiments.tied.calibration import Calibration as Calibration
from vestige.experiments.tied.data import BarsAndStripes as BarsAndStripes
from vestige.experiments.tied.data import BinaryDigits as BinaryDigits
from vestige.experiments.tied.options import Tied as Tied
from vestige.experiments.tied.rules import RULES as RULES
from vestige.experiments.tied.ties import TIES as TIES
