"""Variance of gradient estimators at trained models, where it matters, and not at toys.

    python benchmarks/trained_variance.py RUN [--estimators t,e-plus,t-plus,relax,biased-relaxation]

RUN is a run of graph-layout, listops, explain or parentheses. Its model stays as it is; only the estimator is
exchanged, each with three evaluations of the cost for each of 16 examples, always the same. What an estimator learns,
the critic of RELAX, is first trained by 500 updates around the fixed model. Of 200 gradients with respect to the
parameters that the log-rates are made of, it prints the standard deviation (root of the summed variances) over the
length of the gradient, and, for biased ones, the angle between their mean and the gradient. The gradient is the mean of
1,000 estimates by leave-one-out on traces.
"""

import argparse
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from vestige.estimators.specs import ESTIMATORS
from vestige.runs.restoring import load

EXAMPLES, ESTIMATES, REFERENCE, TRAINING = 16, 200, 1000, 500


def latent(model):
    """The parts of a model that the log-rates are made of."""
    names = getattr(type(model), "latent", ("encoder",))
    return tuple(getattr(model, name) for name in names)


def with_latent(model, parts):
    return eqx.tree_at(latent, model, parts)


class Gradients:
    """Of a run's own loss, at its own model and examples, with any estimator."""

    def __init__(self, folder: Path):
        run = load(folder)
        self.task, self.model, self.objective = run.components.task, run.model, run.components.rule.objective
        self.batch = eqx.filter_jit(lambda task: task.batch(size=EXAMPLES, key=jax.random.key(1)))(self.task)
        posterior = getattr(self.model, "posterior", None) or getattr(self.model, "structure", None)
        row = jax.tree.map(lambda leaf: leaf[0], self.batch)
        shape = jax.eval_shape(lambda row: posterior(row).log_rates, row) if posterior is not None else None
        self.keys = None if shape is None else shape.size

    def with_estimator(self, name: str):
        size = 1 if self.keys is None else self.keys
        return eqx.tree_at(lambda m: m.estimator, self.model, ESTIMATORS.find(name).build(size, key=jax.random.key(0)))

    def loss(self, model, key):
        keys = jax.random.split(key, EXAMPLES)
        return -jnp.mean(jax.vmap(lambda row, key: self.objective(model, row, key=key)[0])(self.batch, keys))

    def trained(self, model):
        """What the estimator learns, learned; the rest as it was."""
        if not jax.tree.leaves(eqx.filter(model.estimator, eqx.is_inexact_array)):
            return model
        optimiser = optax.adam(1e-2)
        arrays, rest = eqx.partition(model.estimator, eqx.is_inexact_array)

        @eqx.filter_jit
        def train(model, arrays):
            def update(carry, key):
                arrays, state = carry
                whole = lambda arrays: eqx.tree_at(lambda m: m.estimator, model, eqx.combine(arrays, rest))
                slope = jax.grad(lambda arrays: self.loss(whole(arrays), key))(arrays)
                changes, state = optimiser.update(slope, state)
                return (optax.apply_updates(arrays, changes), state), None

            keys = jax.random.split(jax.random.key(2), TRAINING)
            return jax.lax.scan(update, (arrays, optimiser.init(arrays)), keys)[0][0]

        with jax.numpy_dtype_promotion("standard"):
            return eqx.tree_at(lambda m: m.estimator, model, eqx.combine(train(model, arrays), rest))

    def many(self, model, count: int, seed: int) -> np.ndarray:
        """(count, parameters): gradients of the latent parts."""

        @eqx.filter_jit
        def run(model, keys):
            arrays, rest = eqx.partition(latent(model), eqx.is_inexact_array)

            def one(key):
                of = lambda arrays: self.loss(with_latent(model, eqx.combine(arrays, rest)), key)
                return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(jax.grad(of)(arrays))])

            return jax.lax.map(one, keys)

        return np.asarray(run(model, jax.random.split(jax.random.key(seed), count)), np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--estimators", default="e,t,e-plus,t-plus,relax,biased-relaxation")
    options = parser.parse_args()
    gradients = Gradients(options.run)
    wanted = gradients.many(gradients.with_estimator("t-plus"), REFERENCE, 3).mean(axis=0)
    length = np.linalg.norm(wanted)
    print(f"{options.run}: length of the gradient {length:.4g}")
    print("| estimator | standard deviation / length | angle of the mean |\n|---|---|---|")
    for name in options.estimators.split(","):
        found = gradients.many(gradients.trained(gradients.with_estimator(name)), ESTIMATES, 4)
        spread = np.sqrt(found.var(axis=0, ddof=1).sum()) / length
        mean = found.mean(axis=0)
        angle = np.degrees(np.arccos(np.clip(mean @ wanted / (np.linalg.norm(mean) * length), -1, 1)))
        biased = f"{angle:.0f}°" if ESTIMATORS.find(name).biased else "unbiased"
        print(f"| {name} | {spread:.2f} | {biased} |", flush=True)


if __name__ == "__main__":
    main()
