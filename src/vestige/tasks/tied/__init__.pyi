"""Data for networks that run both ways: patterns, images with labels, and a classifier to be calibrated."""

from .calibrated import CalibratedDigits as CalibratedDigits
from .calibrated import Opinion as Opinion
from .labelled import LabelledImages as LabelledImages
from .labels import few_labels as few_labels
from .labels import indicators as indicators
from .patterns import Patterns as Patterns
from .patterns import bars_and_stripes as bars_and_stripes
from .rows import LabelledTable as LabelledTable
from .rows import visible_of as visible_of
