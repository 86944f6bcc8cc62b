"""Data of any kind as the lowest layer: numbers, grey levels, counts, bits and classes, some of them missing."""

from typing import NoReturn

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.models.families import Mixed
from vestige.models.tied.coupling import coupling
from vestige.models.tied.units import AbstractUnits
from vestige.typing import Key


class Visible(AbstractUnits):
    """Values of families side by side, for the lowest layer; NaN is a missing value, which is integrated out.

    ```
    reals     y ~ N(m + s a, s²),   the way up is shown y / s
    counts    E y = e^(m + a) · rate at zero,   √y, standardised
    others    natural parameters m + a,   y itself
    ```

    with a what comes down, m and the scale s (of negative binomial counts the concentration) in the bias, learned by
    generation alone: recognition reads them, and no gradient comes back. Transposed weights are then consistent with
    one joint density (an exponential family harmonium), except for counts, of which y itself would be too large for
    anything above to bear. Where a value is missing, the way up is shown its mean in training.

    "Logits" are the parameters of the families. Unbiased rules are unbiased for a fixed s of recognition.

    **Arguments:**

    - `family`: of the values.
    - `centre`: (size,), means in training, shown where a value is missing; None: zeros.

    **Raises:** `ValueError` for a family that is none of those, and for another number of means.
    """

    family: Mixed
    shape: tuple[int, ...] = eqx.field(static=True)
    centre: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, family: Mixed, centre: "np.ndarray | None" = None):
        for part in family.parts:
            coupling(part)
        self.family, self.shape = family, (family.size,)
        self.centre = (0.0,) * family.size if centre is None else tuple(np.asarray(centre, np.float64).tolist())
        if len(self.centre) != family.size:
            raise ValueError(f"Visible: centre must have {family.size} values, got {len(self.centre)}")

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (self.family.num_parameters,)

    def logits(self, drive: Float[Array, " size"], bias: Float[Array, " parameters"]) -> Float[Array, " parameters"]:
        each = zip(self.family.parts, self.family.split(drive), self.family.split_parameters(bias), strict=True)
        return jnp.concatenate([coupling(part).parameters(part, a, b) for part, a, b in each])

    def seen(self, value: Float[Array, " size"], bias: Float[Array, " parameters"]) -> Float[Array, " size"]:
        value = jnp.where(jnp.isnan(value), jnp.asarray(self.centre, value.dtype), value)
        bias = jax.lax.stop_gradient(bias)
        each = zip(self.family.parts, self.family.split(value), self.family.split_parameters(bias), strict=True)
        return jnp.concatenate([coupling(part).seen(part, y, b) for part, y, b in each])

    def log_prob(self, value: Float[Array, " size"], logits: Float[Array, " parameters"]) -> Float[Array, ""]:
        return self.family.log_prob(logits, value)

    def log_prob_of_known(
        self, value: Float[Array, " size"], known: Bool[Array, " size"], logits: Float[Array, " parameters"]
    ) -> Float[Array, ""]:
        """As `InParts` says."""
        return self.log_prob(jnp.where(known, value, jnp.nan), logits)

    def error(self, value: Float[Array, " size"], logits: Float[Array, " parameters"]) -> Float[Array, " parameters"]:
        return jax.grad(self.family.log_density)(logits, value)

    def errors(
        self, value: Float[Array, " size"], drive: Float[Array, " size"], bias: Float[Array, " parameters"]
    ) -> tuple[Float[Array, " size"], Float[Array, " parameters"]]:
        logits, back = jax.vjp(self.logits, drive, bias)
        return back(self.error(value, logits))

    def sample(self, logits: Float[Array, " parameters"], *, key: Key) -> Float[Array, " size"]:
        return self.family.draw(logits, key=key)

    def mean(self, logits: Float[Array, " parameters"]) -> Float[Array, " size"]:
        return self.family.mean(logits)

    def admits(self, values: Float[Array, "rows size"]) -> Bool[Array, ""]:
        return jnp.all(jax.vmap(self.family.inside)(values))

    @property
    def expected(self) -> str:
        kinds = ", ".join(f"{part.size} of {type(part).__name__}" for part in self.family.parts)
        return f"numbers in the support of their families ({kinds}), or NaN where missing"

    @property
    def count(self) -> int:
        self._endless()

    def states(self) -> Float[np.ndarray, "states size"]:
        self._endless()

    def _endless(self) -> NoReturn:
        raise ValueError(
            "Visible: values of the data cannot be enumerated, the hidden layers can; log Z² by "
            "`estimated_log_z_squared`"
        )
