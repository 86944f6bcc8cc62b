"""Small numerical pieces that stay finite: clamps, masked reductions, densities in log-scale form."""

from vestige.numerics.batched_map import batched_map as batched_map
from vestige.numerics.convolution import convolve as convolve
from vestige.numerics.exponential import log_add as log_add
from vestige.numerics.exponential import log_difference as log_difference
from vestige.numerics.exponential import log_exponential as log_exponential
from vestige.numerics.exponential import logsumexp as logsumexp
from vestige.numerics.exponential import segment_logsumexp as segment_logsumexp
from vestige.numerics.gaussian import DiagonalGaussian as DiagonalGaussian
from vestige.numerics.mixture import GaussianMixture as GaussianMixture
from vestige.numerics.poisson import log_poisson as log_poisson
from vestige.numerics.poisson import poisson as poisson
from vestige.numerics.safe import full_precision as full_precision
from vestige.numerics.safe import masked_mean as masked_mean
from vestige.numerics.safe import masked_where as masked_where
from vestige.numerics.safe import soft_clamp as soft_clamp
from vestige.numerics.spins import Spins as Spins
from vestige.numerics.support import is_concrete as is_concrete
from vestige.numerics.support import outside_log as outside_log
from vestige.numerics.support import require_support as require_support
