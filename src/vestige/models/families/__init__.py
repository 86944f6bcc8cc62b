"""Families of what is observed: which values there are, and how probable they are given what a net puts out."""

from vestige.models.families.at_mean import parameters_at as parameters_at
from vestige.models.families.beside import Beside as Beside
from vestige.models.families.contract import AbstractExponentialFamily as AbstractExponentialFamily
from vestige.models.families.contract import AbstractFamily as AbstractFamily
from vestige.models.families.counts import CountScale as CountScale
from vestige.models.families.counts import NegativeBinomial as NegativeBinomial
from vestige.models.families.counts import Poisson as Poisson
from vestige.models.families.discrete import Bernoulli as Bernoulli
from vestige.models.families.discrete import Binomial as Binomial
from vestige.models.families.discrete import Categorical as Categorical
from vestige.models.families.discrete import bits as bits
from vestige.models.families.grey import ContinuousBernoulli as ContinuousBernoulli
from vestige.models.families.in_part import Factorises as Factorises
from vestige.models.families.in_part import InPart as InPart
from vestige.models.families.in_part import missing_in_part as missing_in_part
from vestige.models.families.in_part import whole as whole
from vestige.models.families.mixed import Mixed as Mixed
from vestige.models.families.noise import Noise as Noise
from vestige.models.families.noise import with_noise as with_noise
from vestige.models.families.reals import Gamma as Gamma
from vestige.models.families.reals import Gaussian as Gaussian
from vestige.models.families.reals import StudentT as StudentT
from vestige.models.families.reals import UnitGaussian as UnitGaussian
