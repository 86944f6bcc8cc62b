"""Tasks: generators with known answers, and the metrics by which they are judged."""

from vestige.tasks.contract import AbstractTask as AbstractTask
from vestige.tasks.images import ImagePool as ImagePool
from vestige.tasks.recall import PerfectRecall as PerfectRecall
from vestige.tasks.toy import ExpectedCost as ExpectedCost
from vestige.tasks.toy import Rates as Rates
from vestige.tasks.toy import ToyTask as ToyTask
