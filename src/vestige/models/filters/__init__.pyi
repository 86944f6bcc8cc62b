"""Models that only ever go forward in time."""

from .contract import AbstractFilter as AbstractFilter
from .factor import FactorFilter as FactorFilter
from .gaussian import FactorAnalysis as FactorAnalysis
from .latents import AbstractLatent as AbstractLatent
from .latents import Bits as Bits
from .latents import Numbers as Numbers
from .solvable import LinearFilter as LinearFilter
from .solvable import error as error
from .solvable import refitted as refitted
from .vae import RecurrentVAE as RecurrentVAE
