"""Tasks: generators with known answers, and the metrics by which they are judged."""

from vestige.tasks.actions import one_hot_actions as one_hot_actions
from vestige.tasks.classifier import DigitClassifier as DigitClassifier
from vestige.tasks.contract import AbstractTask as AbstractTask
from vestige.tasks.dynamic import DynamicDependency as DynamicDependency
from vestige.tasks.frames import AbstractFrameTask as AbstractFrameTask
from vestige.tasks.frames import Example as Example
from vestige.tasks.images import ImagePool as ImagePool
from vestige.tasks.navigation import MapNavigation as MapNavigation
from vestige.tasks.parity import ParityRecall as ParityRecall
from vestige.tasks.recall import PerfectRecall as PerfectRecall
from vestige.tasks.rooms import AbstractTurning as AbstractTurning
from vestige.tasks.rooms import RandomTurns as RandomTurns
from vestige.tasks.rooms import Revolution as Revolution
from vestige.tasks.rooms import RoomRotation as RoomRotation
from vestige.tasks.rooms import Rooms as Rooms
from vestige.tasks.similarity import SimilarityRecall as SimilarityRecall
from vestige.tasks.source import AbstractSource as AbstractSource
from vestige.tasks.tally import Tally as Tally
from vestige.tasks.toy import ExpectedCost as ExpectedCost
from vestige.tasks.toy import Rates as Rates
from vestige.tasks.toy import ToyTask as ToyTask
