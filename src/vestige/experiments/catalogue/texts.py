"""Texts with a latent structure."""

from vestige.estimators.specs import LeaveOneOutSpec
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.experiments.published import texts as published
from vestige.models.structured.text_specs import LatentArcsSpec
from vestige.tasks.text.specs import ListOpsSpec
from vestige.training.optimisers import AdamSpec

SYSTEM = "structured latents"


def _listops(task: ListOpsSpec, *, steps: int, batch: int, draws: int, rate: float) -> Experiment:
    model = LatentArcsSpec(estimator=LeaveOneOutSpec(draws))
    return Experiment(
        task, model, optimiser=AdamSpec(rate), steps=steps, batch_size=batch, num_evals=10, eval_size=1000
    )


LISTOPS = Entry(
    name="listops",
    title="ListOps",
    summary="nested list operations: the tree is never given, only the value that it leads to",
    system=SYSTEM,
    paper="Struminsky et al. 2021, sizes of a co-author's repository",
    presets={
        "small": _listops(ListOpsSpec(depths=2, longest=15, train=5000), steps=2000, batch=20, draws=5, rate=2e-3),
        "cpu": _listops(ListOpsSpec(), steps=12_000, batch=20, draws=5, rate=1e-3),
        "paper": _listops(ListOpsSpec(), steps=200_000, batch=20, draws=5, rate=1.86e-4),
    },
    durations={
        "small": "3 minutes, 2 CPU cores",
        "cpu": "an hour, 2 CPU cores",
        "paper": "half a day, 2 CPU cores",
    },
    published=published.listops,
    vary="model.estimator",
    bench="model.estimator",
)

TEXTS = (LISTOPS,)
"""Expressions, sentences, reviews."""
