"""Tasks: generators with known answers, and the metrics by which models are evaluated."""

from .actions import one_hot_actions as one_hot_actions
from .classifier import DigitClassifier as DigitClassifier
from .contract import AbstractTask as AbstractTask
from .contract import Evaluation as Evaluation
from .dynamic import DynamicDependency as DynamicDependency
from .frame_observations import FrameObservations as FrameObservations
from .frame_sequences import FrameSequence as FrameSequence
from .frame_sequences import FrameSequences as FrameSequences
from .frame_sequences import Numbered as Numbered
from .frames import AbstractFrameTask as AbstractFrameTask
from .frames import Example as Example
from .images import ImagePool as ImagePool
from .navigation import MapNavigation as MapNavigation
from .parity import ParityRecall as ParityRecall
from .recall import PerfectRecall as PerfectRecall
from .rooms import AbstractTurning as AbstractTurning
from .rooms import RandomTurns as RandomTurns
from .rooms import Revolution as Revolution
from .rooms import RoomRotation as RoomRotation
from .rooms import Rooms as Rooms
from .similarity import SimilarityRecall as SimilarityRecall
from .source import AbstractSource as AbstractSource
from .spec import TaskSpec as TaskSpec
from .tally import Tally as Tally
from .toy import ExpectedCost as ExpectedCost
from .toy import ToyTask as ToyTask
