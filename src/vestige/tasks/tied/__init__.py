"""Data for networks that run both ways: patterns, images with labels, and a classifier to be calibrated."""

from vestige.tasks.tied.calibrated import CalibratedDigits as CalibratedDigits
from vestige.tasks.tied.calibrated import Opinion as Opinion
from vestige.tasks.tied.labelled import LabelledImages as LabelledImages
from vestige.tasks.tied.labels import few_labels as few_labels
from vestige.tasks.tied.labels import indicators as indicators
from vestige.tasks.tied.patterns import Patterns as Patterns
from vestige.tasks.tied.patterns import bars_and_stripes as bars_and_stripes
