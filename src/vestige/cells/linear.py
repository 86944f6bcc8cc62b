"""A linear recurrence of independent units, all of whose steps can be taken at once."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from vestige.cells.contract import AbstractParallelCell
from vestige.typing import Key


class LinearRecurrence(AbstractParallelCell[Complex[Array, " units"]]):
    """Diagonal linear recurrence with complex eigenvalues (LRU; Orvieto et al. 2023, arXiv:2303.06349).

    `s' = λ s + γ B [x] + γ drive`, `λ = exp(-exp(ν) + i θ)`, `γ = sqrt(1 - |λ|²)`;
    output `gelu(Re(C s') + D x)`.

    |λ| < 1 whatever is learned. Time constants `-1 / log |λ|` start log-uniform from `shortest` to `longest` steps,
    angles uniform in ±`angle`; γ keeps the variance of the state near that of its input. The real and the
    imaginary part of the drive come one after the other, 2 `units` numbers.

    One after the other, a step costs `units (input + output)` multiplications; `unroll` takes T of them by an
    associative scan in O(log T) serial steps, O(T units) work and memory. The state is complex of at least 64 bits,
    also where parameters and inputs are of 16.

    **Arguments:**

    - `input_size`, `output_size`: widths of x and of the output.
    - `units`: complex numbers of the state; by default as many as `output_size`.
    - `shortest`, `longest`: steps, the range in which time constants start.
    - `angle`: radians per step, the range in which θ starts.

    **Raises:** `ValueError` unless `1 <= shortest <= longest`.
    """

    log_decay: Float[Array, " units"]
    """ν: log of the decay per step."""
    angle: Float[Array, " units"]
    into: Float[Array, "input both"]
    out: Float[Array, "both output"]
    direct: Float[Array, "input output"]
    units: int = eqx.field(static=True)
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        units: int | None = None,
        shortest: float = 2.0,
        longest: float = 1000.0,
        angle: float = 0.3,
        key: Key,
    ):
        if not 1.0 <= shortest <= longest:
            raise ValueError(f"LinearRecurrence: 1 <= shortest <= longest, got {shortest} and {longest}")
        self.units = units = output_size if units is None else units
        keys = jax.random.split(key, 5)
        low, high = jnp.log(jnp.array(shortest)), jnp.log(jnp.array(longest))
        self.log_decay = -jax.random.uniform(keys[0], (units,), minval=low, maxval=high)
        self.angle = jax.random.uniform(keys[1], (units,), minval=-angle, maxval=angle)
        normal = lambda key, fan_in, shape: jax.random.normal(key, shape) / jnp.sqrt(float(fan_in))
        self.into = normal(keys[2], 2 * max(input_size, 1), (input_size, 2 * units))
        self.out = normal(keys[3], units, (2 * units, output_size))
        self.direct = normal(keys[4], max(input_size, 1), (input_size, output_size))
        self.output_size, self.drive_size = output_size, 2 * units

    def init(self) -> Complex[Array, " units"]:
        return jnp.zeros(self.units, jnp.complex128 if self.angle.dtype == jnp.float64 else jnp.complex64)

    def __call__(
        self, state: Complex[Array, " units"], x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[Complex[Array, " units"], Float[Array, " hidden"]]:
        state = self._eigenvalues() * state + self._admitted(x, drive)
        return state, self._output(state, x)

    def parallel(
        self,
        state: Complex[Array, " units"],
        xs: Float[Array, "time features"],
        drive: Float[Array, "time drive"] | None = None,
        mask: Bool[Array, " time"] | None = None,
    ) -> tuple[Complex[Array, "time units"], Float[Array, "time hidden"]]:
        admitted = jax.vmap(self._admitted)(xs, drive)
        powers = jnp.broadcast_to(self._eigenvalues(), admitted.shape)
        if mask is not None:  # such a step is the identity
            admitted = jnp.where(mask[:, None], admitted, 0)
            powers = jnp.where(mask[:, None], powers, 1)
        admitted = admitted.at[0].add(powers[0] * state)

        def compose(first, second):
            (decay, there), (further, here) = first, second
            return decay * further, further * there + here

        _, states = jax.lax.associative_scan(compose, (powers, admitted))
        return states, jax.vmap(self._output)(states, xs)

    def _eigenvalues(self) -> Complex[Array, " units"]:
        return jnp.exp(jax.lax.complex(-jnp.exp(_wide(self.log_decay)), _wide(self.angle)))

    def _admitted(self, x: Float[Array, " features"], drive: Float[Array, " drive"] | None) -> Complex[Array, " units"]:
        admitted = _wide(x @ self.into if drive is None else x @ self.into + drive)
        gain = jnp.sqrt(-jnp.expm1(-2.0 * jnp.exp(_wide(self.log_decay))))
        real, imaginary = jnp.split(admitted, 2)
        return jax.lax.complex(gain * real, gain * imaginary)

    def _output(self, state: Complex[Array, " units"], x: Float[Array, " features"]) -> Float[Array, " hidden"]:
        return jax.nn.gelu(jnp.concatenate([state.real, state.imag]) @ self.out + x @ self.direct)


def _wide(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """In at least 32 bits: there are no complex numbers of less, and decays near 1 would be 1."""
    return x.astype(jnp.float32) if x.dtype.itemsize < 4 else x
