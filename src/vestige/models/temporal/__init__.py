"""Generative temporal models: sequential VAEs whose prior and posterior read an external memory."""

from vestige.models.temporal.bounds import elbo as elbo
from vestige.models.temporal.bounds import importance_weighted_bound as importance_weighted_bound
from vestige.models.temporal.build import count_parameters as count_parameters
from vestige.models.temporal.build import gtmm as gtmm
from vestige.models.temporal.build import match_width as match_width
from vestige.models.temporal.build import shapes as shapes
from vestige.models.temporal.build import vrnn as vrnn
from vestige.models.temporal.frames import AbstractDecoder as AbstractDecoder
from vestige.models.temporal.frames import AbstractEncoder as AbstractEncoder
from vestige.models.temporal.frames import MLPDecoder as MLPDecoder
from vestige.models.temporal.frames import MLPEncoder as MLPEncoder
from vestige.models.temporal.latents import AbstractPosterior as AbstractPosterior
from vestige.models.temporal.latents import AbstractPrior as AbstractPrior
from vestige.models.temporal.latents import GaussianPrior as GaussianPrior
from vestige.models.temporal.latents import PlainPosterior as PlainPosterior
from vestige.models.temporal.latents import ResidualPosterior as ResidualPosterior
from vestige.models.temporal.likelihood import AbstractLikelihood as AbstractLikelihood
from vestige.models.temporal.likelihood import Bernoulli as Bernoulli
from vestige.models.temporal.model import TemporalModel as TemporalModel
from vestige.models.temporal.model import TemporalState as TemporalState
from vestige.models.temporal.model import Trajectory as Trajectory
from vestige.models.temporal.visual import VisualDecoder as VisualDecoder
from vestige.models.temporal.visual import VisualEncoder as VisualEncoder
