"""The recall experiments of the catalogue."""

from vestige.experiments.entry import Entry
from vestige.experiments.optimisers import Adam
from vestige.experiments.recall import published
from vestige.experiments.recall.architecture import Architecture
from vestige.experiments.recall.options import Recall
from vestige.experiments.recall.published import by_length
from vestige.experiments.recall.task import Images, RecallTask

PAPER = Architecture(latent=32, controller=256, width=192, frames="visual")  # about 1.9 million parameters

PERFECT_RECALL = Entry(
    name="perfect-recall",
    title="Perfect recall",
    summary="l images, then the first k again: what was stored must cost nothing",
    paper="Gemici et al. 2017, algorithm 1, figures 3, 4, 19-21",
    presets={
        "small": Recall(),
        "cpu": Recall(
            task=RecallTask(images=Images("mnist")),
            model=Architecture(latent=16, controller=128, width=256),
            steps=20_000,
        ),
        "paper": Recall(
            task=RecallTask(images=Images("mnist")),
            model=PAPER,
            optimiser=Adam(3e-4),
            steps=1_000_000,
            batch=64,
        ),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "5-8 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=by_length(published.PERFECT_RECALL),
)

ONE_SHOT_RECALL = Entry(
    name="one-shot-recall",
    title="One-shot recall",
    summary="perfect recall of characters whose classes were never met in training",
    paper="Gemici et al. 2017, algorithm 1 on Omniglot, figures 7, 8, 25",
    presets={
        "small": Recall(
            task=RecallTask(images=Images("glyphs")),
            model=Architecture(latent=16, controller=128, width=256),
            steps=8000,
        ),
        "cpu": Recall(
            task=RecallTask(l=20, images=Images("omniglot", "stochastic")),
            model=Architecture(latent=32, controller=128, width=256),
            steps=12_000,
        ),
        "paper": Recall(
            task=RecallTask(l=20, images=Images("omniglot")),
            model=PAPER,
            optimiser=Adam(3e-4),
            steps=1_000_000,
            batch=64,
        ),
    },
    durations={"small": "2-3 min, 2 CPU cores", "cpu": "8-16 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=by_length(published.ONE_SHOT_RECALL),
)
