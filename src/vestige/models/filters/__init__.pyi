"""Models that only ever go forward in time."""

from .autoregressive import Autoregressive as Autoregressive
from .contract import AbstractFilter as AbstractFilter
from .factor import FactorFilter as FactorFilter
from .gaussian import FactorAnalysis as FactorAnalysis
from .lag_regression import LagScales as LagScales
from .lag_regression import LagWeights as LagWeights
from .lag_regression import Sums as Sums
from .lag_regression import fitted_lags as fitted_lags
from .lag_regression import lag_sums as lag_sums
from .lag_regression import squared_errors as squared_errors
from .latents import AbstractLatent as AbstractLatent
from .latents import Bits as Bits
from .latents import Numbers as Numbers
from .solvable import LinearFilter as LinearFilter
from .solvable import error as error
from .solvable import refitted as refitted
from .vae import RecurrentVAE as RecurrentVAE
