"""Which words of a text count? A selector picks two of twelve, and a reader sees nothing else."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.estimators import LeaveOneOut, expect
from vestige.structures import Subset

VOCABULARY, LENGTH, K = 30, 12, 2
values = jnp.zeros(VOCABULARY).at[:6].set(jnp.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]))  # all other words count nothing


def text(key):
    """Twelve words, two of which count; what they add up to; which they are."""
    keys = jax.random.split(key, 3)
    places = jax.random.permutation(keys[0], LENGTH)[:K]
    words = jax.random.randint(keys[1], (LENGTH,), 6, VOCABULARY)
    words = words.at[places].set(jax.random.randint(keys[2], (K,), 0, 6))
    return words, jnp.sum(values[words]), jnp.zeros(LENGTH).at[places].set(1)


class Explainer(eqx.Module):
    scores: eqx.nn.Embedding  # of a word, as a log-rate: words of a high rate are picked first
    reader: eqx.nn.Embedding  # of a word, as what it adds

    def selection(self, words):
        return Subset(jax.vmap(self.scores)(words)[:, 0], K)

    def loss(self, words, total, key):
        added = jax.vmap(self.reader)(words)[:, 0]
        cost = lambda picked: (jnp.sum(picked * added) - total) ** 2  # the reader sees what was picked
        return expect(cost, self.selection(words), estimator=LeaveOneOut(draws=4), key=key)


@eqx.filter_jit
def update(model, state, key):
    words, totals, _ = jax.vmap(text)(jax.random.split(key, 64))
    keys = jax.random.split(jax.random.fold_in(key, 1), 64)
    grads = eqx.filter_grad(lambda model: jnp.mean(jax.vmap(model.loss)(words, totals, keys)))(model)
    changes, state = optimiser.update(grads, state)
    return eqx.apply_updates(model, changes), state


optimiser = optax.adam(0.03)
key_scores, key_reader, key_run, key_test = jax.random.split(jax.random.key(0), 4)
model = Explainer(eqx.nn.Embedding(VOCABULARY, 1, key=key_scores), eqx.nn.Embedding(VOCABULARY, 1, key=key_reader))
state = optimiser.init(eqx.filter(model, eqx.is_array))
for key in jax.random.split(key_run, 400):
    model, state = update(model, state, key)
words, _, count = jax.vmap(text)(jax.random.split(key_test, 500))
picked = jax.vmap(lambda words: model.selection(words).mode().value)(words)
print(f"picked words that count: {jnp.sum(picked * count) / jnp.sum(picked):.2f} (by chance {K / LENGTH:.2f})")
