"""What the upward network believes of every layer, given the data: three ways to carry beliefs upward."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.activation import AbstractActivation, Probit
from vestige.models.tied.connections import AbstractConnection
from vestige.models.tied.net import Net, States
from vestige.models.tied.units import AbstractUnits, OneHot
from vestige.typing import Key


class AbstractRecognition(eqx.Module):
    """From data to the means of the layers above."""

    @abc.abstractmethod
    def __call__(self, net: Net, data: Float[Array, "*units"], *, key: Key) -> States:
        """E_q x^k for k = 0 … n. One example.

        **Arguments:**

        - `net`: whose upward half is used.
        - `data`: shaped like the lowest layer.
        - `key`: for recognition that samples.

        **Returns:** one array a layer, shaped like it, the data first; those of the top are probabilities.
        """

    @abc.abstractmethod
    def log_top(self, net: Net, data: Float[Array, "*units"], *, key: Key) -> Float[Array, "*top"]:
        """Logits of the mean of the top layer: for classes, up to a constant its log-probabilities.

        **Arguments:**

        - `net`: whose upward half is used.
        - `data`: shaped like the lowest layer.
        - `key`: for recognition that samples.

        **Returns:** an array shaped like the top layer.
        """


def means_upward(net: Net, data: Float[Array, "*units"]) -> States:
    """The mean of every layer given the means below it (AP1): the ordinary deterministic network.

    **Arguments:**

    - `net`: whose upward half is used.
    - `data`: one example, shaped like the lowest layer.
    """
    means = [data]
    for k in range(1, net.depth + 1):
        means.append(net.units[k].mean(net.up_logits(k, means)))
    return tuple(means)


class PlainForward(AbstractRecognition):
    """AP1, the ordinary deterministic network: every layer is the activation of its mean input. It ignores that the
    layer below is uncertain and is too confident (notes, section 3.1). Ignores the key."""

    def __call__(self, net: Net, data: Float[Array, "*units"], *, key: Key) -> States:
        return means_upward(net, data)

    def log_top(self, net: Net, data: Float[Array, "*units"], *, key: Key) -> Float[Array, "*top"]:
        return net.up_logits(net.depth, means_upward(net, data))


class VariancePropagation(AbstractRecognition):
    """AP2: mean and variance of every input are carried upward, the units of a layer taken as independent.

    One more product per layer than AP1, with the squared kernel. Removes most of AP1's error; what is left is mainly
    the correlation within layers. At a top of classes the logits are shrunk, which is crude. Ignores the key.
    """

    activation: AbstractActivation = Probit()

    def __call__(self, net: Net, data: Float[Array, "*units"], *, key: Key) -> States:
        means = [data]
        for k in range(1, net.depth + 1):
            mean, variance = _moments(net, k, means)
            categorical = isinstance(net.units[k], OneHot)
            means.append(
                jax.nn.softmax(self.activation.tempered(mean, variance))
                if categorical
                else self.activation(mean, variance)
            )
        return tuple(means)

    def log_top(self, net: Net, data: Float[Array, "*units"], *, key: Key) -> Float[Array, "*top"]:
        mean, variance = _moments(net, net.depth, list(self(net, data, key=key)[:-1]))
        return self.activation.tempered(mean, variance)


class Sampled(AbstractRecognition):
    """The mean of sampled upward passes: exact up to noise of order 1/√passes. The last step is not sampled.

    **Arguments:**

    - `passes`: how many.

    **Raises:** `ValueError` for fewer than 1 pass.
    """

    passes: int = eqx.field(static=True, default=200)

    def __check_init__(self):
        if self.passes < 1:
            raise ValueError(f"Sampled: passes must be at least 1, got {self.passes}")

    def __call__(self, net: Net, data: Float[Array, "*units"], *, key: Key) -> States:
        def once(key: Key) -> States:
            states = net.recognise(data, key=key)
            # Each layer's mean given the sampled layer below: less noise than the sample itself.
            above = [net.units[k].mean(net.up_logits(k, states)) for k in range(1, net.depth + 1)]
            return data, *above

        def add(total: States, key: Key) -> tuple[States, None]:
            return jax.tree.map(jnp.add, total, once(key)), None

        keys = jax.random.split(key, self.passes)
        zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(once, keys[0]))
        total, _ = jax.lax.scan(add, zero, keys)
        return jax.tree.map(lambda leaf: leaf / self.passes, total)

    def log_top(self, net: Net, data: Float[Array, "*units"], *, key: Key) -> Float[Array, "*top"]:
        mean = self(net, data, key=key)[-1]
        tiny = jnp.finfo(mean.dtype).tiny
        log = jnp.log(jnp.maximum(mean, tiny))
        return log if isinstance(net.units[-1], OneHot) else log - jnp.log(jnp.maximum(1 - mean, tiny))


def _moments(net: Net, k: int, means: list[Array]) -> tuple[Float[Array, "*units"], Float[Array, "*units"]]:
    """Mean and variance of the inputs of layer k; the data themselves are certain."""
    mean = net.up_logits(k, means)
    if k == 1:
        return mean, jnp.zeros_like(mean)
    variance = _variance(net.units[k - 1], net.ups[k - 1], net.recognition[k - 1], means[k - 1])
    if k == net.depth and net.shortcuts is not None:
        cuts = net.shortcuts
        for lower, joint, kernel in zip(cuts.layers, cuts.joints, cuts.recognition, strict=True):
            if lower > 0:
                variance = variance + _variance(net.units[lower], joint, kernel, means[lower])
    return mean, variance


def _variance(units: AbstractUnits, connection: AbstractConnection, kernel: Array, mean: Array) -> Array:
    """Of what a layer with this mean sends up."""
    if isinstance(units, OneHot):  # one class of several: the units are not independent but exclusive
        plain = connection.up(kernel, mean)
        return jnp.maximum(connection.up(kernel**2, mean) - plain**2, 0.0)
    return connection.up(kernel**2, mean * (1 - mean))
