"""Activations, E sigma(a) for a normal a, in closed form or by quadrature: what a unit makes of an uncertain input."""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float


class AbstractActivation(eqx.Module):
    """From mean and variance of a unit's input to the mean of the unit. Differentiable. Elementwise."""

    @abc.abstractmethod
    def __call__(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        """P(unit = 1), about.

        **Arguments:**

        - `mean`, `variance`: of the units' inputs, arrays of one shape; variances are not negative.

        **Returns:** an array of that shape, in [0, 1].
        """

    @abc.abstractmethod
    def tempered(self, mean: Float[Array, " classes"], variance: Float[Array, " classes"]) -> Float[Array, " classes"]:
        """Logits of a softmax whose inputs are uncertain; crude: each is shrunk by its own variance.

        **Arguments:**

        - `mean`, `variance`: (classes,), of the inputs; variances are not negative.

        **Returns:** (classes,).
        """


class Logistic(AbstractActivation):
    """AP2-logistic, sigma(m / √(1 + 3 s²/π²)): input minus logistic noise taken as logistic of the same variance."""

    def __call__(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return jax.nn.sigmoid(self.tempered(mean, variance))

    def tempered(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return mean / jnp.sqrt(1 + variance * (3 / math.pi**2))


class Probit(AbstractActivation):
    """AP2-probit, sigma(m / √(1 + π s²/8)) (MacKay 1992): within 0.016 of the integral for s² up to 100."""

    def __call__(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return jax.nn.sigmoid(self.tempered(mean, variance))

    def tempered(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return mean / jnp.sqrt(1 + variance * (math.pi / 8))


class Normal(AbstractActivation):
    """AP2-normal, Φ(m / √(s² + π²/3)): input minus noise taken as normal. Wrong by up to 0.0225 even at s² = 0; for
    comparison."""

    def __call__(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return norm.cdf(mean / jnp.sqrt(variance + math.pi**2 / 3))

    def tempered(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return Logistic().tempered(mean, variance)


class GaussHermite(AbstractActivation):
    """Σ_r w_r sigma(m + s z_r): the integral itself up to quadrature. O(nodes) evaluations.

    **Arguments:**

    - `nodes`: points of the quadrature.

    **Raises:** `ValueError` for fewer than 1 node.
    """

    nodes: int = eqx.field(static=True, default=24)

    def __check_init__(self):
        if self.nodes < 1:
            raise ValueError(f"GaussHermite: nodes must be at least 1, got {self.nodes}")

    def __call__(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        places, weights = np.polynomial.hermite_e.hermegauss(self.nodes)
        weights = weights / weights.sum()
        # The root has no slope at zero variance; the integral there is sigma(m) whatever the root's slope.
        deviation = jnp.sqrt(jnp.where(variance > 0, variance, 1.0)) * (variance > 0).astype(mean.dtype)
        each = [float(w) * jax.nn.sigmoid(mean + deviation * float(z)) for w, z in zip(weights, places, strict=True)]
        return sum(each, jnp.zeros_like(mean))

    def tempered(self, mean: Float[Array, "*units"], variance: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return Probit().tempered(mean, variance)
