"""Estimators for scikit-learn over the models of the other rooms."""

from .base import AbstractArrayEstimator as AbstractArrayEstimator
from .base import RefusedInput as RefusedInput
from .classifier import Classifier as Classifier
from .completer import Completer as Completer
from .embedder import Embedder as Embedder
from .forecaster import Forecasted as Forecasted
from .forecaster import Forecaster as Forecaster
