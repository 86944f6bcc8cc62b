"""Several noisy sensors of one hidden number: the case that can be solved (notes 3.5)."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.models.families import UnitGaussian
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.contract import AbstractFilteringTask, over_held_out
from vestige.tasks.filtering.kalman import LinearGaussian, kalman_filter
from vestige.tasks.filtering.readout import ridge
from vestige.tasks.filtering.unrolling import Filters, unroll
from vestige.typing import Key, Metrics


def default_noise(sensors: int) -> tuple[float, ...]:
    """The noise variances that the notes use: linspace(0.5, 1.5, p) · p, in all as much information for any p."""
    return tuple(float(v) for v in np.linspace(0.5, 1.5, sensors) * sensors)


class SensorFusion(AbstractFilteringTask):
    """s_t = a s_{t-1} + w with Var(s) = 1, seen as y_t^i = s_t + N(0, R_i) by p independent sensors.

    One outcome, s_t. All that a filter can know is one number, and the best is known in closed form: `pole`, how much
    the Kalman filter keeps of its last estimate, and `steady_variance`, its error.

    **Metrics** on held-out sequences: `mse` of a linear readout of `features` to s, fitted on the first half of the
    sequences and evaluated on the others; `mse_ratio`, that to the Kalman filter's error on the same steps;
    `kalman_mse`, `sensory_mse`: the Kalman filter, and who sees the present alone.

    **Raises:** `ValueError` where `decay` is not in (0, 1), a variance is not positive, there is no sensor, or
    `length` < 2.
    """

    decay: float = eqx.field(static=True, default=0.9)
    noise: tuple[float, ...] = eqx.field(static=True, default=default_noise(2))
    length: int = eqx.field(static=True, default=400)

    def __check_init__(self):
        if not 0 < self.decay < 1:
            raise ValueError(f"SensorFusion: decay must be in (0, 1), got {self.decay}")
        if not self.noise or min(self.noise) <= 0:
            raise ValueError(f"SensorFusion: noise holds a positive variance for each sensor, got {self.noise}")
        if self.length < 2:
            raise ValueError(f"SensorFusion: length must be at least 2 steps, got {self.length}")

    @property
    def steps(self) -> int:
        return self.length

    @property
    def family(self) -> UnitGaussian:
        return UnitGaussian(len(self.noise))

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ("state",)

    @property
    def precision(self) -> float:
        """J = sum 1 / R_i."""
        return sum(1 / r for r in self.noise)

    @property
    def predicted_variance(self) -> float:
        """P, the steady variance before an observation: J P² + (1 - a²)(1 - J) P - (1 - a²) = 0."""
        kick, j = 1 - self.decay**2, self.precision
        half = kick * (1 - j) / 2
        return (math.sqrt(half**2 + j * kick) - half) / j

    @property
    def steady_variance(self) -> float:
        """Of the Kalman filter's error, in the long run: 1 / P_f = 1 / P + J, P = a² P_f + 1 - a²."""
        return 1 / (1 / self.predicted_variance + self.precision)

    @property
    def pole(self) -> float:
        """M of x_t = M x_{t-1} + N y_t for the steady Kalman filter: a P_f / P."""
        return self.decay * self.steady_variance / self.predicted_variance

    def model(self) -> LinearGaussian:
        """For the Kalman filter."""
        one = jnp.ones((1, 1))
        kick = (1 - self.decay**2) * one
        return LinearGaussian(self.decay * one, kick, jnp.ones((self.width, 1)), jnp.zeros(1), one)

    def sequence(self, *, key: Key) -> ArraySequence:
        key_states, key_seen = jax.random.split(key)
        kicks = jax.random.normal(key_states, (self.length,))
        size = math.sqrt(1 - self.decay**2)

        def step(state: Array, kick: Array) -> tuple[Array, Array]:
            after = self.decay * state + size * kick
            return after, after

        rest = jax.lax.scan(step, kicks[0], kicks[1:])[1]
        states = jnp.concatenate([kicks[:1], rest])[:, None]
        errors = jax.random.normal(key_seen, (self.length, self.width)) * jnp.sqrt(jnp.array(self.noise))[None]
        return ArraySequence(states + errors, states, jnp.array(self.length, jnp.int32))

    def held_out(self, row: Int[Array, ""], *, key: Key) -> ArraySequence:
        return self.sequence(key=jax.random.fold_in(key, row))

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        """**Raises** `ValueError` where `size` < 2: the readout is fitted on one half and evaluated on the other."""
        if size < 2:
            raise ValueError(f"SensorFusion.evaluate: size must be at least 2, one half to fit on, got {size}")

        def one(sequence: ArraySequence, key: Key) -> tuple[Array, ...]:
            features = unroll(model, sequence, lambda before, seen, after, key: model.features(after), key=key)
            return features, sequence.outcomes, self._filtered(sequence), self._seen_alone(sequence)

        features, states, filtered, alone = over_held_out(self, one, size=size, key=key)
        half = size // 2
        flat = lambda x: x.reshape(-1, x.shape[-1])
        errors = ridge(flat(features[:half]), flat(states[:half]))(flat(features[half:])) - flat(states[half:])
        mse = jnp.mean(jnp.square(errors))
        kalman = jnp.square(filtered - states)
        return {
            "mse": mse,
            "mse_ratio": mse / jnp.mean(kalman[half:]),
            "kalman_mse": jnp.mean(kalman),
            "sensory_mse": jnp.mean(jnp.square(alone - states)),
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """The steady Kalman filter, and who sees the present alone: 1 / (1 + J)."""
        best, chance = self.steady_variance, 1 / (1 + self.precision)
        return {
            "mse": {"best": best, "chance": chance},
            "mse_ratio": {"best": 1.0, "chance": chance / best},
        }

    def _filtered(self, sequence: ArraySequence) -> Float[Array, "time 1"]:
        noise = jnp.broadcast_to(jnp.diag(jnp.array(self.noise)), (self.length, self.width, self.width))
        return kalman_filter(self.model(), sequence.inputs, noise).means

    def _seen_alone(self, sequence: ArraySequence) -> Float[Array, "time 1"]:
        seen = jnp.sum(sequence.inputs / jnp.array(self.noise)[None], axis=1, keepdims=True)
        return seen / (1 + self.precision)
