"""Models that only go forward in time, and the tasks that show what they know."""

from vestige.experiments.filtering.models import MODELS as MODELS
from vestige.experiments.filtering.options import Filtering as Filtering
from vestige.experiments.filtering.rules import RULES as RULES
