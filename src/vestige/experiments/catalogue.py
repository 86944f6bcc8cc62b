"""Every experiment that can be run by name."""

import dataclasses
from collections.abc import Mapping

from vestige.errors import UsageError, nearest
from vestige.experiments import published
from vestige.experiments.options import Adam, Architecture, Images, Recall, RecallTask
from vestige.experiments.published import Published


@dataclasses.dataclass(frozen=True)
class Entry:
    """One published experiment."""

    name: str
    title: str
    summary: str
    paper: str
    presets: Mapping[str, Recall]
    durations: Mapping[str, str]
    """How long each preset takes, and where."""
    numbers: Mapping[int, Published]
    """Published numbers by l, the number of frames before recall."""

    def preset(self, name: str) -> Recall:
        """The options of a preset. **Raises:** `UsageError` for an unknown one."""
        if name not in self.presets:
            raise UsageError(f"unknown preset '{name}' of {self.name}. {nearest(name, self.presets)}")
        return self.presets[name]

    def published(self, options: Recall) -> Published:
        """The published numbers of this setting; empty where the paper has none."""
        return self.numbers.get(options.task.l, {})


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
    numbers=published.PERFECT_RECALL,
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
    numbers=published.ONE_SHOT_RECALL,
)

CATALOGUE = {entry.name: entry for entry in (PERFECT_RECALL, ONE_SHOT_RECALL)}


def find(name: str) -> Entry:
    """The entry of that name. **Raises:** `UsageError` that suggests the nearest."""
    if name not in CATALOGUE:
        raise UsageError(f"unknown experiment '{name}'. {nearest(name, CATALOGUE)}")
    return CATALOGUE[name]
