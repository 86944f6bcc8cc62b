"""Memory, predictor and uncertainty detector."""

from .build import recurrent as recurrent
from .contract import AbstractLongTermModel as AbstractLongTermModel
from .detector import Detector as Detector
from .generative import Frame as Frame
from .generative import GenerativeMemory as GenerativeMemory
from .generative import Observed as Observed
from .generative import generative_memory as generative_memory
from .inputs import AbstractInput as AbstractInput
from .inputs import Columns as Columns
from .inputs import Now as Now
from .inputs import Recent as Recent
from .inputs import Token as Token
from .inputs import Vector as Vector
from .model import LongTermModel as LongTermModel
from .objective import WholeSequence as WholeSequence
from .outcome import AbstractOutcome as AbstractOutcome
from .outcome import Classes as Classes
from .outcome import Number as Number
from .outcome import NumberWithScale as NumberWithScale
from .picture import Glimpse as Glimpse
from .picture import Picture as Picture
from .specs import GenerativeMemorySpec as GenerativeMemorySpec
from .specs import RecurrentSpec as RecurrentSpec
