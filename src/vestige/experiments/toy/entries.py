"""The toy experiments of the catalogue."""

import dataclasses
from collections.abc import Mapping

from vestige.experiments.entry import Entry
from vestige.experiments.toy import published
from vestige.experiments.toy.options import Toy
from vestige.experiments.toy.problems import Arborescence, BinaryTree, Matching, Problem, SpanningTree

_PAPER = "Struminsky et al. 2021, learning curves and gradient variances of the official repository"
_DURATIONS = {"small": "seconds, 2 CPU cores", "cpu": "seconds, 2 CPU cores", "paper": "about a minute, 2 CPU cores"}


def _presets(problem: Problem) -> Mapping[str, Toy]:
    ten = dataclasses.replace(problem, n=10)
    return {"small": Toy(problem), "cpu": Toy(ten, steps=4000), "paper": Toy(ten, steps=15_000)}


TOY_MATCHING = Entry(
    name="toy-matching",
    title="Toy: matching",
    summary="rates of a matching, to be learned from its cost alone: the identity is best",
    paper=_PAPER,
    presets=_presets(Matching()),
    durations=_DURATIONS,
    published=published.matching,
)

TOY_SPANNING_TREE = Entry(
    name="toy-spanning-tree",
    title="Toy: spanning tree",
    summary="rates of a spanning tree: a star around vertex 0 is best",
    paper=_PAPER,
    presets=_presets(SpanningTree()),
    durations=_DURATIONS,
    published=lambda options: {},  # the published cost counts other edges than the text says
)

TOY_ARBORESCENCE = Entry(
    name="toy-arborescence",
    title="Toy: arborescence",
    summary="rates of an arborescence: a star out of the root is best",
    paper=_PAPER,
    presets=_presets(Arborescence()),
    durations=_DURATIONS,
    published=published.arborescence,
)

TOY_BINARY_TREE = Entry(
    name="toy-binary-tree",
    title="Toy: binary tree",
    summary="rates of a binary tree: a path is best",
    paper=_PAPER,
    presets=_presets(BinaryTree()),
    durations=_DURATIONS,
    published=published.binary_tree,
)
