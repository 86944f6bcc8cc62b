"""The models by name; nothing here imports JAX."""

from vestige.models.filters.specs import FILTERS
from vestige.models.harmonium.specs import HARMONIUMS
from vestige.models.longterm.picture_specs import PictureMemorySpec
from vestige.models.longterm.specs import GenerativeMemorySpec, RecurrentSpec
from vestige.models.policy.specs import AgentSpec
from vestige.models.spec import ModelSpec
from vestige.models.structured.graph_specs import RelationalSpec
from vestige.models.structured.language_specs import LANGUAGE_MODELS
from vestige.models.structured.specs import LogRatesSpec
from vestige.models.structured.text_specs import TEXT_MODELS
from vestige.models.structured.tracking_specs import TrackingSpec
from vestige.models.temporal.specs import TemporalSpec
from vestige.models.tied.specs import TIED_MODELS
from vestige.registries import Registry

MODELS: Registry[ModelSpec] = Registry(
    "model",
    ModelSpec,
    {
        "gtmm": TemporalSpec(),
        "recurrent": RecurrentSpec(),
        "generative-memory": GenerativeMemorySpec(),
        "agent": AgentSpec(),
        "picture-memory": PictureMemorySpec(),
        "log-rates": LogRatesSpec(),
        "relational": RelationalSpec(),
        "tracking": TrackingSpec(),
        **TEXT_MODELS,
        **LANGUAGE_MODELS,
        **TIED_MODELS,
        **HARMONIUMS,
        **FILTERS,
    },
)
"""What `--model NAME` stands for."""
