"""A laboratory for gradient estimators: bias, variance, direction, time and memory, side by side.

What has to be known before anything is measured (names, options, what applies where) needs no JAX: it is imported when
something is built.
"""

from vestige.experiments.gradients.choose import chosen as chosen
from vestige.experiments.gradients.objectives import OBJECTIVES as OBJECTIVES
from vestige.experiments.gradients.options import GradientOptions as GradientOptions
