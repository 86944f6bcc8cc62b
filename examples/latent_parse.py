"""Which word depends on which? A grammar is learned from agreement alone: words show the marks of their heads."""

import jax
import jax.numpy as jnp
import optax

from vestige.estimators import LeaveOneOut, expect
from vestige.structures import Arborescence, arcs_of_heads

KINDS, MARKS, NOISE = 7, 4, 0.5  # kind 0 is the root; the others: verb, two nouns, two adjectives, adverb
GRAMMAR = jnp.array([-1, 0, 1, 1, 2, 3, 1])  # of each kind, the kind of its head


def sentence(key):
    """The kinds of seven words in any order behind the root, what each is marked with and shows, and the true arcs."""
    key_order, key_marks, key_noise = jax.random.split(key, 3)
    kinds = jnp.concatenate([jnp.zeros(1, int), 1 + jax.random.permutation(key_order, KINDS - 1)])
    heads = jnp.argsort(kinds)[GRAMMAR[kinds]].at[0].set(-1)  # where the word of that kind stands
    marks = jax.random.normal(key_marks, (KINDS, MARKS))
    shown = marks[heads] + NOISE * jax.random.normal(key_noise, (KINDS, MARKS))
    return kinds, marks, shown, arcs_of_heads(heads)


def init():
    """Parameters are any pytree; here a plain dictionary."""
    return {"attachment": jnp.zeros((KINDS, KINDS))}  # log-rate of an arc from a kind of word to another


def apply(parameters, kinds):
    """The distribution over trees, from the root at position 0. The kinds of the words are all that it sees."""
    return Arborescence(parameters["attachment"][kinds[:, None], kinds[None, :]])


def loss(parameters, kinds, marks, shown, key):
    """The expected squared difference between what words show and the marks of their heads."""
    squares = jnp.sum((marks[:, None] - shown[None]) ** 2, axis=-1)  # of an arc from row to column
    cost = lambda arcs: jnp.sum(arcs * squares)
    return expect(cost, apply(parameters, kinds), estimator=LeaveOneOut(draws=4), key=key)


@jax.jit
def update(parameters, state, key):
    kinds, marks, shown, _ = jax.vmap(sentence)(jax.random.split(key, 32))
    keys = jax.random.split(jax.random.fold_in(key, 1), 32)
    mean = lambda parameters: jnp.mean(jax.vmap(loss, (None, 0, 0, 0, 0))(parameters, kinds, marks, shown, keys))
    changes, state = optimiser.update(jax.grad(mean)(parameters), state)
    return optax.apply_updates(parameters, changes), state


optimiser, parameters = optax.adam(0.05), init()
state = optimiser.init(parameters)
for key in jax.random.split(jax.random.key(0), 300):
    parameters, state = update(parameters, state, key)
kinds, _, _, truth = jax.vmap(sentence)(jax.random.split(jax.random.key(1), 200))
found = jax.vmap(lambda kinds: apply(parameters, kinds).mode().value)(kinds)
print(f"heads that are right: {jnp.sum(found * truth) / jnp.sum(truth):.2f} (by chance {1 / (KINDS - 1):.2f})")
