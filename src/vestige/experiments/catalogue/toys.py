"""The toy experiments: structures that are learned from what their draws cost."""

import dataclasses
from collections.abc import Callable

from vestige.experiments.entry import Entry, Published, unpublished
from vestige.experiments.experiment import Experiment
from vestige.experiments.published import toys as published
from vestige.models.structured.specs import LogRatesSpec
from vestige.tasks.toy_specs import (
    AbstractToySpec,
    ToyArborescenceSpec,
    ToyBinaryTreeSpec,
    ToyMatchingSpec,
    ToySpanningTreeSpec,
)

SYSTEM = "structured latents"
PAPER = "Struminsky et al. 2021, learning curves and gradient variances of the official repository"
DURATIONS = {"small": "seconds, 2 CPU cores", "cpu": "seconds, 2 CPU cores", "paper": "about a minute, 2 CPU cores"}


def _preset(task: AbstractToySpec, steps: int) -> Experiment:
    return Experiment(task, LogRatesSpec(), steps=steps, batch_size=1, num_evals=30, eval_size=1024)


def _entry(
    name: str, title: str, summary: str, task: AbstractToySpec, published: Callable[[Experiment], Published]
) -> Entry:
    ten = dataclasses.replace(task, n=10)
    return Entry(
        name=name,
        title=title,
        summary=summary,
        system=SYSTEM,
        paper=PAPER,
        presets={"small": _preset(task, 1500), "cpu": _preset(ten, 4000), "paper": _preset(ten, 15_000)},
        durations=DURATIONS,
        published=published,
        vary="model.estimator",
        bench="model.estimator",
    )


TOYS = (
    _entry(
        "toy-matching",
        "Toy: matching",
        "rates of a matching, to be learned from its cost alone: the identity is best",
        ToyMatchingSpec(),
        published.matching,
    ),
    _entry(
        "toy-spanning-tree",
        "Toy: spanning tree",
        "rates of a spanning tree: a star around vertex 0 is best",
        ToySpanningTreeSpec(),
        unpublished,  # the published cost counts other edges than the text says
    ),
    _entry(
        "toy-arborescence",
        "Toy: arborescence",
        "rates of an arborescence: a star out of the root is best",
        ToyArborescenceSpec(),
        published.arborescence,
    ),
    _entry(
        "toy-binary-tree",
        "Toy: binary tree",
        "rates of a binary tree: a path is best",
        ToyBinaryTreeSpec(),
        published.binary_tree,
    ),
)
"""Matching and trees."""
