"""Exponential-family harmoniums, static and recurrent."""

from .deep import DeepHarmonium as DeepHarmonium
from .deep import Stack as Stack
from .likelihood import AbstractLikelihood as AbstractLikelihood
from .likelihood import AnnealedLikelihood as AnnealedLikelihood
from .likelihood import ExactLikelihood as ExactLikelihood
from .model import Harmonium as Harmonium
from .partition import Annealed as Annealed
from .partition import annealed_log_partition as annealed_log_partition
from .partition import exact_log_partition as exact_log_partition
from .recurrent import RecurrentHarmonium as RecurrentHarmonium
from .recurrent import backwards as backwards
