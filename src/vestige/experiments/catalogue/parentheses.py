"""Balanced brackets, generated along a latent binary tree."""

from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.models.structured.language_specs import TreeLanguageModelSpec
from vestige.tasks.text.specs import ParenthesesSpec
from vestige.training.optimisers import AdamSpec


def _words(task: ParenthesesSpec, model: TreeLanguageModelSpec, *, rate: float, batch: int, steps: int) -> Experiment:
    return Experiment(
        task,
        model,
        optimiser=AdamSpec(rate),
        steps=steps,
        batch_size=batch,
        num_evals=10,
        eval_size=256,
    )


_LONG = ParenthesesSpec(10, kinds=2)

PARENTHESES = Entry(
    name="parentheses",
    title="Parentheses",
    summary="brackets generated along a latent binary tree; the best perplexity is known",
    system="structured latents",
    paper="Struminsky et al. 2021; sizes are ours, the paper's are unknown",
    presets={
        "small": _words(ParenthesesSpec(5), TreeLanguageModelSpec(), rate=5e-3, batch=32, steps=5000),
        "cpu": _words(_LONG, TreeLanguageModelSpec(), rate=3e-3, batch=64, steps=20_000),
        "paper": _words(_LONG, TreeLanguageModelSpec(256, 128), rate=1e-3, batch=128, steps=50_000),
    },
    durations={"small": "2 minutes, 2 CPU cores", "cpu": "20 minutes, 2 CPU cores", "paper": "hours, 1 GPU"},
    vary="model",
    bench="model.estimator",
)
"""A tree as order of generation."""
