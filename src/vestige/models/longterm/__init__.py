"""Memory, predictor and uncertainty detector."""

from vestige.models.longterm.contract import AbstractLongTermModel as AbstractLongTermModel
from vestige.models.longterm.detector import Detector as Detector
from vestige.models.longterm.generative import Frame as Frame
from vestige.models.longterm.generative import GenerativeMemory as GenerativeMemory
from vestige.models.longterm.generative import Observed as Observed
from vestige.models.longterm.generative import generative_memory as generative_memory
from vestige.models.longterm.inputs import AbstractInput as AbstractInput
from vestige.models.longterm.inputs import Columns as Columns
from vestige.models.longterm.inputs import Now as Now
from vestige.models.longterm.inputs import Recent as Recent
from vestige.models.longterm.inputs import Token as Token
from vestige.models.longterm.inputs import Vector as Vector
from vestige.models.longterm.model import LongTermModel as LongTermModel
from vestige.models.longterm.objective import WholeSequence as WholeSequence
from vestige.models.longterm.outcome import AbstractOutcome as AbstractOutcome
from vestige.models.longterm.outcome import Classes as Classes
from vestige.models.longterm.outcome import Number as Number
from vestige.models.longterm.picture import Glimpse as Glimpse
from vestige.models.longterm.picture import Picture as Picture
