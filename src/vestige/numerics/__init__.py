"""Small numerical pieces that stay finite: clamps, masked reductions, densities in log-scale form."""

from vestige.numerics.gaussian import DiagonalGaussian as DiagonalGaussian
from vestige.numerics.safe import masked_mean as masked_mean
from vestige.numerics.safe import masked_where as masked_where
from vestige.numerics.safe import soft_clamp as soft_clamp
