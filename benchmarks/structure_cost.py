"""What a structure costs: an update with it, beside the same update with independent parts in its place.

    python benchmarks/structure_cost.py [--only graph-layout,listops] [--rounds 9] [--updates 20]

Model, reader, estimator, draws, batch and optimiser are the same; only the distribution is exchanged. Both updates run
in one process and take turns. The table gives CPU milliseconds of an update (median) and the ratio (median and range
over the rounds). Sizes are those of the preset `cpu`; data that are missing are replaced by few generated ones.

- `graph-layout`: a spanning tree; every ordered pair an edge or not by itself.
- `listops`: an arborescence; every arc by itself. Along an arborescence the reader looks up the one head of a token;
  along independent arcs it sums over all. `listops-same-reader` sums in both.
- `explain`: the first k words to arrive; every word by itself.
- `parse`: an arborescence, in sentences without trees; every word chooses a head by itself. Where all sentences have
  trees, nothing is drawn in an update.
- `parentheses`: a binary tree, four draws; its rival, an LSTM from left to right, which draws nothing. No ratio of a
  structure to independent parts.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.errors import UsageError
from vestige.experiments.experiment import Components, Experiment
from vestige.models.structured.text_explainer import Explainer
from vestige.models.structured.text_parser import DependencyParser, Row
from vestige.registries import registry
from vestige.structures import AbstractStructure, Choices
from vestige.structures.choices import bits
from vestige.training.state import start
from vestige.training.update import Program, make_advance
from vestige.typing import Batch


class IndependentWords(Explainer):
    """Every word is read or not, by itself."""

    def structure(self, text: Batch) -> Any:
        assert text.mask is not None
        found = bits(self.selector(text.inputs, text.mask))
        return Choices(found.log_rates, mask=text.mask)

    def logits(self, text: Batch, selected: Float[Array, "n 2"]) -> Float[Array, " classes"]:
        return super().logits(text, selected[:, 0])


class IndependentHeads(DependencyParser):
    """Every word chooses a head by itself, whether it makes a tree or not."""

    def structure(self, row: Row, log_rates: Float[Array, "n n"]) -> AbstractStructure[Any]:
        return Choices(log_rates.T, mask=row.sentence > 0)

    def arcs(self, value: Float[Array, "n n"]) -> Float[Array, "n n"]:
        return value.T


def with_methods(of: type[eqx.Module], model: Any) -> Any:
    """The same fields with the methods of `of`, a subclass."""
    other = object.__new__(of)
    for field in dataclasses.fields(model):
        object.__setattr__(other, field.name, getattr(model, field.name))
    return other


class Variant(NamedTuple):
    """An update that is timed."""

    experiment: Experiment
    change: Callable[[Any], Any] = lambda model: model


def cpu(name: str) -> Experiment:
    return registry("experiment")[name].preset("cpu")


def pairs() -> dict[str, tuple[Variant, Variant]]:
    """Name -> with the structure, and without."""
    layout, listops, explain, parse, brackets = map(cpu, ("graph-layout", "listops", "explain", "parse", "parentheses"))
    half = parse.replace("task.labelled", 0.1)
    dense = lambda model: eqx.tree_at(lambda m: m.classifier, model, replace_one_head(model.classifier))
    alone = Variant(listops.replace("model.arcs", "independent"))
    return {
        "graph-layout": (Variant(layout), Variant(layout.replace("model.structure", "edges"))),
        "listops": (Variant(listops), alone),
        "listops-same-reader": (Variant(listops, dense), alone),
        "explain": (Variant(explain), Variant(explain, lambda model: with_methods(IndependentWords, model))),
        "parse": (Variant(half), Variant(half, lambda model: with_methods(IndependentHeads, model))),
        "parentheses": (Variant(brackets), Variant(brackets.choose({"model": "left-to-right"}))),
    }


def replace_one_head(classifier: Any) -> Any:
    """The reader that sums over all arcs, with the same weights."""
    other = object.__new__(type(classifier))
    for field in dataclasses.fields(classifier):
        object.__setattr__(other, field.name, getattr(classifier, field.name))
    object.__setattr__(other, "one_head", False)
    return other


def built(experiment: Experiment) -> Components:
    try:
        return experiment.build(seed=0)
    except UsageError:
        print("(data missing: generated in their place)")
        return experiment.build(seed=0, dummy=True)


def block_of(variant: Variant, updates: int) -> Callable[[], float]:
    """A call makes so many updates and returns CPU milliseconds of one."""
    parts = built(variant.experiment)
    model, batch_size = variant.change(parts.model), variant.experiment.batch_size
    program = Program(parts.task, parts.rule, parts.optimiser)
    advance = make_advance(batch_size=batch_size, skip_nonfinite=False, mesh=None)
    held = [start(model, parts.task, rule=parts.rule, optimiser=parts.optimiser, batch_size=batch_size, key=parts.key)]
    count: Int[Array, ""] = jnp.asarray(updates, jnp.int32)

    def block() -> float:
        began = time.process_time()
        held[0], halted = advance((program, count), held[0])
        assert not bool(halted)
        return 1e3 * (time.process_time() - began) / updates

    return block


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--updates", type=int, default=20)
    options = parser.parse_args()
    chosen = pairs()
    names = list(chosen) if options.only is None else options.only.split(",")
    print(f"jax {jax.__version__}, {options.rounds} rounds of {options.updates} updates, CPU time")
    print("| | with, ms | without, ms | ratio (range) |\n|---|---|---|---|")
    for name in names:
        with_, without = (block_of(variant, options.updates) for variant in chosen[name])
        for block in (with_, without):  # compile, and warm up
            block()
        found = [(with_(), without()) for _ in range(options.rounds)]
        ratios = [a / b for a, b in found]
        a, b = (statistics.median(times) for times in zip(*found, strict=True))
        print(
            f"| {name} | {a:.1f} | {b:.1f} | {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
