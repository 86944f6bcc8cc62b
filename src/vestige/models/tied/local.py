"""Local updates: the only derivatives that wake-sleep and its relatives need.

The gradient of log p(x^{k-1} | x^k) in W^k is the error of the lower layer's own prediction times the state above:
every connection looks at its two layers and at nothing else. No automatic differentiation.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.net import Net, States

Weights = Float[Array, " rows"]


def generation_update(net: Net, states: States, weights: Weights) -> Net:
    """Σ_rows weight · ∇ log p(x⁰, …, xⁿ), in W, u⁰ … uⁿ; zero elsewhere. States have rows first. O(kernels · rows).

    **Arguments:**

    - `net`: the pair of networks.
    - `states`: of all layers, each (rows, …).
    - `weights`: (rows,).
    """
    kernels, biases, found = [], [], []
    for k in range(net.depth):
        drives = jax.vmap(lambda above, top, k=k: net.drive(k, above, top))(states[k + 1], states[-1])
        errors = jax.vmap(net.units[k].errors, (0, 0, None))(states[k], drives, net.down_biases[k])
        of_drive, of_bias = (_weighted(weights, error) for error in errors)
        found.append(of_drive)
        kernels.append(net.downs[k].correlate(of_drive, states[k + 1]))
        biases.append(jnp.sum(of_bias, axis=0))
    top = jax.vmap(lambda x: net.units[-1].error(x, net.prior))(states[-1])
    change = eqx.tree_at(
        lambda n: (n.generation, n.down_biases, n.prior),
        nothing(net),
        (tuple(kernels), tuple(biases), jnp.sum(_weighted(weights, top), axis=0)),
    )
    if net.shortcuts is None:
        return change
    return eqx.tree_at(lambda n: n.shortcuts.generation, change, net.shortcuts.generation_slopes(found, states[-1]))


def recognition_update(net: Net, states: States, weights: Weights | tuple[Weights, ...]) -> Net:
    """Σ_rows weight · ∇ log q(x¹, …, xⁿ | x⁰), in R, v¹ … vⁿ; zero elsewhere. O(kernels · rows).

    **Arguments:**

    - `net`: the pair of networks.
    - `states`: of all layers, each (rows, …).
    - `weights`: (rows,), or such a vector for each of the layers 1 … n.
    """
    each = weights if isinstance(weights, tuple) else (weights,) * net.depth
    kernels, biases, error = [], [], states[-1]
    for k in range(1, net.depth + 1):
        logits = jax.vmap(lambda *lower, k=k: net.up_logits(k, lower))(*states[:k])
        error = _weighted(each[k - 1], jax.vmap(net.units[k].error)(states[k], logits))
        seen = jax.vmap(lambda below, k=k: net.seen(k - 1, below))(states[k - 1])
        kernels.append(net.ups[k - 1].correlate(seen, error))
        biases.append(jnp.sum(error, axis=0))
    change = eqx.tree_at(lambda n: (n.recognition, n.up_biases), nothing(net), (tuple(kernels), tuple(biases)))
    if net.shortcuts is None:
        return change
    seen = (jax.vmap(lambda x: net.seen(0, x))(states[0]), *states[1:])
    return eqx.tree_at(lambda n: n.shortcuts.recognition, change, net.shortcuts.recognition_slopes(seen, error))


def nothing(net: Net) -> Net:
    """No change at all."""
    return jax.tree.map(jnp.zeros_like, net)


def added(*changes: Net) -> Net:
    """The sum of updates."""
    return jax.tree.map(lambda *leaves: sum(leaves[1:], leaves[0]), *changes)


def times(factor: float | Float[Array, ""], change: Net) -> Net:
    """The update `change`, multiplied by `factor`."""
    return jax.tree.map(lambda leaf: leaf * factor, change)


def _weighted(weights: Weights, errors: Float[Array, "rows *units"]) -> Float[Array, "rows *units"]:
    return errors * weights.reshape(-1, *(1,) * (errors.ndim - 1))
