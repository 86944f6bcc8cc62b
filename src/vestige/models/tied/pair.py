"""The pair: one stack of layers, run upward to recognise and downward to generate."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.connections import AbstractConnection, Dense
from vestige.models.tied.net import Net
from vestige.models.tied.ties import AbstractTie, Tie, full
from vestige.models.tied.units import AbstractUnits
from vestige.typing import Key

CLIP = 0.02  # pixel frequencies are kept this far from 0 and 1 where they become a bias


class TiedPair(eqx.Module):
    """A recognition and a generation network whose weights have to do with each other (Flach et al. 2017; notes,
    section 3). How is said by the ties, one a connection; biases are free in each direction.

    **Fields:** `units` of the layers, data first; `ups` and `downs`, the connections of either way; `ties`, which hold
    the weights; `up_biases` v¹ … vⁿ, `down_biases` u⁰ … u^{n-1} and `prior` uⁿ, each of its layer's shape (u⁰ of its
    `bias_shape`).

    **Raises:** `ValueError` where sizes do not chain, or a shared kernel should serve two different connections.
    """

    units: tuple[AbstractUnits, ...]
    ups: tuple[AbstractConnection, ...]
    downs: tuple[AbstractConnection, ...]
    ties: tuple[AbstractTie, ...]
    up_biases: tuple[Float[Array, "..."], ...]
    down_biases: tuple[Float[Array, "..."], ...]
    prior: Float[Array, "..."]

    def __check_init__(self):
        depth = len(self.units) - 1
        if depth < 1 or not len(self.ups) == len(self.downs) == len(self.ties) == depth:
            raise ValueError(
                f"TiedPair: {len(self.units)} layers need {max(depth, 1)} connections each way and as many ties, at "
                f"least one; got {len(self.ups)} up, {len(self.downs)} down and {len(self.ties)} ties"
            )
        for k, (up, down, tie) in enumerate(zip(self.ups, self.downs, self.ties, strict=True)):
            joined = (self.units[k].shape, self.units[k + 1].shape)
            for way, connection in (("ups", up), ("downs", down)):
                if (connection.lower, connection.upper) != joined:
                    raise ValueError(
                        f"TiedPair: {way}[{k}] joins {connection.lower} and {connection.upper}, but layers {k} and "
                        f"{k + 1} have shapes {joined[0]} and {joined[1]}; sizes must chain"
                    )
            if tie.shared and up != down:
                raise ValueError(
                    f"TiedPair: {type(tie).__name__} at connection {k} needs one connection for both ways, got {up} "
                    f"upward and {down} downward, which are not each other's transpose. Give the same one twice, or "
                    "tie with `untied`"
                )

    def resolve(self) -> Net:
        """The two networks with plain weights. The only way from ties to kernels: call it once, at the boundary."""
        return Net(
            self.units,
            self.ups,
            self.downs,
            tuple(tie.generation() for tie in self.ties),
            tuple(tie.recognition() for tie in self.ties),
            self.up_biases,
            self.down_biases,
            self.prior,
        )

    def pull(self, change: Net) -> "TiedPair":
        """From an ascent direction of the resolved arrays to that of the parameters, shaped like the trainable leaves.

        Both directions' derivatives of a shared kernel are summed here, before any optimiser sees them.
        """
        ties = zip(self.ties, change.generation, change.recognition, strict=True)
        return TiedPair(
            self.units,
            self.ups,
            self.downs,
            tuple(tie.pull(down, up) for tie, down, up in ties),
            change.up_biases,
            change.down_biases,
            change.prior,
        )


def tied_pair(
    units: Sequence[AbstractUnits],
    *,
    tie: Tie = full,
    ups: Sequence[AbstractConnection] | None = None,
    downs: Sequence[AbstractConnection] | None = None,
    scale: float = 0.1,
    data_mean: Float[Array, "..."] | None = None,
    data_bias: Float[Array, "..."] | None = None,
    prior: Float[Array, "..."] | None = None,
    key: Key,
) -> TiedPair:
    """A pair with weights N(0, scale²) and biases at zero (notes, section 4).

    **Arguments:**

    - `units`: of the layers, data first, e.g. `[Bits(64), Bits(100), Bits(50), OneHot(10)]`.
    - `tie`: `full`, `untied`, `begun_tied`, `scaled` or `Softly(strength)`.
    - `ups`: the connections, dense by default; `downs`: those of the way down, by default the same.
    - `data_mean`: mean of the data, which are bits; u⁰ becomes its logit, clipped to [0.02, 0.98].
    - `data_bias`: u⁰ itself.
    - `prior`: logits of the top, zero by default.
    - `scale`: standard deviation of the weights at the start.

    **Raises:** `ValueError` as `TiedPair`.
    """
    ups = [Dense(a.shape, b.shape) for a, b in itertools.pairwise(units)] if ups is None else ups
    downs = ups if downs is None else downs
    keys = jax.random.split(key, (max(len(ups), 1), 2))
    ties = [
        tie(
            scale * jax.random.normal(keys[k, 0], down.kernel_shape),
            scale * jax.random.normal(keys[k, 1], up.kernel_shape),
            up.upper_axis,
        )
        for k, (up, down) in enumerate(zip(ups, downs, strict=True))
    ]
    biases = [jnp.zeros(u.bias_shape) for u in units]
    if data_bias is not None:
        biases[0] = data_bias
    if data_mean is not None:
        frequencies = jnp.clip(data_mean, CLIP, 1 - CLIP)
        biases[0] = jnp.log(frequencies) - jnp.log1p(-frequencies)
    return TiedPair(
        tuple(units),
        tuple(ups),
        tuple(downs),
        tuple(ties),
        tuple(jnp.zeros(u.shape) for u in units[1:]),
        tuple(biases[:-1]),
        biases[-1] if prior is None else prior,
    )


def checked(units: AbstractUnits, values: Float[Array, "rows *units"], name: str) -> Float[Array, "rows *units"]:
    """`values` themselves.

    **Arguments:**

    - `units`: of the layer.
    - `values`: (rows, …).
    - `name`: what they are called in the message.

    **Raises:** `ValueError` where they are not values of such a layer. Reads the array, so not
    for compiled code: check data when they come in.
    """
    if values.shape[1:] != units.shape:
        raise ValueError(f"{name} must have rows of shape {units.shape}, got {values.shape[1:]}")
    if not bool(units.admits(values)):
        low, high = float(jnp.min(values)), float(jnp.max(values))
        raise ValueError(f"{name} must be {units.expected}; got values from {low:g} to {high:g}")
    return values
