"""Models that only ever go forward in time."""

from vestige.models.filters.contract import AbstractFilter as AbstractFilter
from vestige.models.filters.factor import FactorFilter as FactorFilter
from vestige.models.filters.gaussian import FactorAnalysis as FactorAnalysis
from vestige.models.filters.latents import AbstractLatent as AbstractLatent
from vestige.models.filters.latents import Bits as Bits
from vestige.models.filters.latents import Numbers as Numbers
from vestige.models.filters.solvable import LinearFilter as LinearFilter
from vestige.models.filters.solvable import error as error
from vestige.models.filters.solvable import refitted as refitted
from vestige.models.filters.vae import RecurrentVAE as RecurrentVAE
