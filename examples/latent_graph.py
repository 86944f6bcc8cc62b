"""Who pulls at whom? Six particles on springs along a hidden tree: the tree is inferred from how they move."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.estimators import LeaveOneOut, expect
from vestige.structures import SpanningTree, kl

NODES, FRAMES, PULL, BLUR = 6, 10, 0.1, 0.01
any_tree = SpanningTree(jnp.zeros((NODES, NODES)))
pulled = lambda tree, places: tree @ places - jnp.sum(tree, axis=1)[:, None] * places


def film(key):
    """Where the nodes of a random tree are in each frame, and the tree: every edge pulls its two ends together."""
    key_tree, key_noise, key_start = jax.random.split(key, 3)
    tree = any_tree.sample(key=key_tree).value
    noise = BLUR * jax.random.normal(key_noise, (FRAMES, NODES, 2))
    move = lambda places, noise: (places + PULL * pulled(tree, places) + noise, places)
    return jax.lax.scan(move, jax.random.normal(key_start, (NODES, 2)), noise)[1], tree


class Model(eqx.Module):
    encoder: eqx.nn.MLP  # of how two particles move, as a log-rate of the edge between them
    pull: jax.Array

    def posterior(self, places):
        apart, moved = places[:-1, None] - places[:-1, :, None], jnp.diff(places, axis=0)
        squares = jnp.einsum("tijx,tikx->ijk", apart, apart) + 0.01 * jnp.eye(NODES)
        pulls = jnp.linalg.solve(squares, jnp.einsum("tijx,tix->ij", apart, moved)[..., None])  # a regression for each
        return SpanningTree(jax.vmap(jax.vmap(self.encoder))(20 * (pulls + pulls.swapaxes(0, 1)))[..., 0])

    def loss(self, places, key):
        """The negative evidence lower bound, nats; the divergence is that of arrival times."""
        error = lambda tree: jnp.diff(places, axis=0) - self.pull * jax.vmap(pulled, (None, 0))(tree, places[:-1])
        cost = lambda tree: jnp.sum(error(tree) ** 2) / (2 * BLUR**2)
        trees = self.posterior(places)
        return expect(cost, trees, estimator=LeaveOneOut(draws=4), key=key) + kl(trees, any_tree, level="times")


@eqx.filter_jit
def update(model, state, key):
    films, _ = jax.vmap(film)(jax.random.split(key, 32))
    keys = jax.random.split(jax.random.fold_in(key, 1), 32)
    grads = eqx.filter_grad(lambda model: jnp.mean(jax.vmap(model.loss)(films, keys)))(model)
    changes, state = optimiser.update(grads, state)
    return eqx.apply_updates(model, changes), state


optimiser = optax.chain(optax.clip_by_global_norm(10.0), optax.adam(0.01))
key_model, key_run, key_test = jax.random.split(jax.random.key(0), 3)
model = Model(eqx.nn.MLP(1, 1, 16, 2, key=key_model), jnp.array(0.05))
state = optimiser.init(eqx.filter(model, eqx.is_array))
for key in jax.random.split(key_run, 400):
    model, state = update(model, state, key)
films, trees = jax.vmap(film)(jax.random.split(key_test, 200))
found = jax.vmap(lambda places: model.posterior(places).mode().value)(films)
print(f"edges found {jnp.sum(found * trees) / jnp.sum(trees):.2f}, by chance {2 / NODES:.2f}; pull {model.pull:.2f}")
