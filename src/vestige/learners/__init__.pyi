"""Estimators for scikit-learn over the models of the other rooms."""

from .base import AbstractArrayEstimator as AbstractArrayEstimator
from .base import RefusedInput as RefusedInput
from .forecaster import Forecasted as Forecasted
from .forecaster import Forecaster as Forecaster
