"""Exponential-family harmoniums, static and recurrent."""

from vestige.models.harmonium.deep import DeepHarmonium as DeepHarmonium
from vestige.models.harmonium.deep import Stack as Stack
from vestige.models.harmonium.likelihood import AbstractLikelihood as AbstractLikelihood
from vestige.models.harmonium.likelihood import AnnealedLikelihood as AnnealedLikelihood
from vestige.models.harmonium.likelihood import ExactLikelihood as ExactLikelihood
from vestige.models.harmonium.model import Harmonium as Harmonium
from vestige.models.harmonium.partition import Annealed as Annealed
from vestige.models.harmonium.partition import annealed_log_partition as annealed_log_partition
from vestige.models.harmonium.partition import exact_log_partition as exact_log_partition
from vestige.models.harmonium.recurrent import RecurrentHarmonium as RecurrentHarmonium
from vestige.models.harmonium.recurrent import backwards as backwards
