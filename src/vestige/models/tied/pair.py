"""The pair: one stack of layers, run upward to recognise and downward to generate."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.connections import AbstractConnection, Dense
from vestige.models.tied.net import Net
from vestige.models.tied.shortcuts import Joined, Shortcuts
from vestige.models.tied.ties import AbstractTie, Tie, full
from vestige.models.tied.units import AbstractUnits
from vestige.typing import Key

CLIP = 0.02  # pixel frequencies are kept this far from 0 and 1 where they become a bias


class TiedPair(eqx.Module):
    """A recognition and a generation network whose weights have to do with each other (Flach et al. 2017; notes,
    section 3). How is said by the ties, one a connection; biases are free in each direction.

    **Fields:** `units` of the layers, data first; `ups` and `downs`, the connections of either way; `ties`, which hold
    the weights; `up_biases` v¹ … vⁿ, `down_biases` u⁰ … u^{n-1} and `prior` uⁿ, each of its layer's shape (u⁰ of its
    `bias_shape`); `shortcuts`, none, or a tie for each of the layers 1 … n-2, or 0 … n-2, which the top then reads and
    takes part in making.

    **Raises:** `ValueError` where sizes do not chain, a shared kernel should serve two different connections, or there
    are shortcuts for other layers.
    """

    units: tuple[AbstractUnits, ...]
    ups: tuple[AbstractConnection, ...]
    downs: tuple[AbstractConnection, ...]
    ties: tuple[AbstractTie, ...]
    up_biases: tuple[Float[Array, "..."], ...]
    down_biases: tuple[Float[Array, "..."], ...]
    prior: Float[Array, "..."]
    shortcuts: tuple[AbstractTie, ...] = ()

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
        if len(self.shortcuts) not in (0, max(depth - 2, 0), depth - 1):
            raise ValueError(
                f"TiedPair: shortcuts join the top with each of the layers 1 to {depth - 2}, or 0 to {depth - 2}, so "
                f"there must be {max(depth - 2, 0)}, {depth - 1} or none, got {len(self.shortcuts)}"
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
            self._shortcuts(),
        )

    def _shortcuts(self) -> Shortcuts | None:
        if not self.shortcuts:
            return None
        layers = tuple(range(len(self.ties) - 1))[-len(self.shortcuts) :]
        return Shortcuts(
            layers,
            tuple(shortcut(self.units, k) for k in layers),
            tuple(tie.generation() for tie in self.shortcuts),
            tuple(tie.recognition() for tie in self.shortcuts),
        )

    def pull(self, change: Net) -> "TiedPair":
        """From an ascent direction of the resolved arrays to that of the parameters, shaped like the trainable leaves.

        Both directions' derivatives of a shared kernel are summed here, before any optimiser sees them.
        """
        ties = zip(self.ties, change.generation, change.recognition, strict=True)
        joined = change.shortcuts
        slopes = zip(self.shortcuts, joined.generation, joined.recognition, strict=True) if joined else ()
        return TiedPair(
            self.units,
            self.ups,
            self.downs,
            tuple(tie.pull(down, up) for tie, down, up in ties),
            change.up_biases,
            change.down_biases,
            change.prior,
            tuple(tie.pull(down, up) for tie, down, up in slopes),
        )


def shortcut(units: Sequence[AbstractUnits], k: int) -> Dense:
    """What joins two layers that are not neighbours: all units of either.

    **Arguments:**

    - `units`: of all layers, the data first.
    - `k`: the lower of the two layers; the other is the last.
    """
    return Dense(units[k].shape, units[-1].shape)


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
    shortcuts: Joined = "none",
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
    - `shortcuts`: with which layers the top is joined beside its neighbour, by weights that start at 0: no other, all
      other hidden ones, or these and the data.
    - `scale`: standard deviation of the weights at the start.

    **Raises:** `ValueError` as `TiedPair`, and where there is no layer for the shortcuts that are wanted.
    """
    joined = {"none": range(0), "hidden": range(1, len(units) - 2), "all": range(len(units) - 2)}[shortcuts]
    if shortcuts != "none" and not joined:
        raise ValueError(f"tied_pair: shortcuts {shortcuts!r} join no layer of a net with {len(units)}; leave them out")
    joints = [shortcut(units, k) for k in joined]
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
        tuple(tie(jnp.zeros(j.kernel_shape), jnp.zeros(j.kernel_shape), j.upper_axis) for j in joints),
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
