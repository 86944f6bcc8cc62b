"""The models by name; nothing here imports JAX."""

from vestige.models.longterm.specs import GenerativeMemorySpec, RecurrentSpec
from vestige.models.spec import ModelSpec
from vestige.models.temporal.specs import TemporalSpec
from vestige.registry import Registry

MODELS: Registry[ModelSpec] = Registry(
    "model",
    ModelSpec,
    {
        "gtmm": TemporalSpec(),
        "recurrent": RecurrentSpec(),
        "generative-memory": GenerativeMemorySpec(),
    },
)
"""What `--model NAME` stands for."""
