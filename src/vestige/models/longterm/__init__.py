"""Memory, predictor and uncertainty detector."""

from vestige.models.longterm.detector import Detector as Detector
from vestige.models.longterm.inputs import AbstractInput as AbstractInput
from vestige.models.longterm.inputs import Token as Token
from vestige.models.longterm.inputs import Vector as Vector
from vestige.models.longterm.model import LongTermModel as LongTermModel
from vestige.models.longterm.objective import WholeSequence as WholeSequence
from vestige.models.longterm.outcome import AbstractOutcome as AbstractOutcome
from vestige.models.longterm.outcome import Classes as Classes
from vestige.models.longterm.outcome import Number as Number
