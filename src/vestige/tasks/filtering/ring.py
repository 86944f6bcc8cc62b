"""Something that moves on a ring is tracked through noisy spikes (notes 5.2)."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.models.families import AbstractFamily, Poisson, UnitGaussian
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.contract import AbstractFilteringTask, over_held_out
from vestige.tasks.filtering.dynamics import LinearWorld, driven, free, oscillator
from vestige.tasks.filtering.kalman import kalman_filter, smooth
from vestige.tasks.filtering.momentum_groups import PLANE, POPULATION, MomentumGroups
from vestige.tasks.filtering.population import AbstractSensor, GaussianSensor, PopulationCode
from vestige.tasks.filtering.readout import r2, ridge
from vestige.tasks.filtering.unrolling import Filters, unroll
from vestige.typing import Key, Metrics

DELAYS = 60
"""Delayed position is read out up to this many steps back."""


class AbstractPlace(eqx.Module):
    """In which numbers a position is read out linearly."""

    @abc.abstractmethod
    def numbers(self, position: Float[Array, "... dims"]) -> Float[Array, "... numbers"]:
        """The targets of the readout.

        **Arguments:**

        - `position`: (…, dims), in units of the stimulus.

        **Returns:** (…, numbers).
        """

    @abc.abstractmethod
    def position(self, numbers: Float[Array, "... numbers"]) -> Float[Array, "... dims"]:
        """The position, from the targets of the readout.

        **Arguments:**

        - `numbers`: (…, numbers), also predicted ones.

        **Returns:** (…, dims), in units of the stimulus.
        """


class OnLine(AbstractPlace):
    """The position itself."""

    def numbers(self, position: Float[Array, "... dims"]) -> Float[Array, "... dims"]:
        return position

    def position(self, numbers: Float[Array, "... dims"]) -> Float[Array, "... dims"]:
        return numbers


class OnCircle(AbstractPlace):
    """Cosine and sine of the angle round the ring, since no linear readout can follow a position that wraps, and few
    do well near the seam."""

    period: float = eqx.field(static=True)

    def numbers(self, position: Float[Array, "... dims"]) -> Float[Array, "... numbers"]:
        angle = position * (2 * jnp.pi / self.period)
        return jnp.concatenate([jnp.cos(angle), jnp.sin(angle)], axis=-1)

    def position(self, numbers: Float[Array, "... numbers"]) -> Float[Array, "... dims"]:
        cosine, sine = jnp.split(numbers, 2, axis=-1)
        return jnp.arctan2(sine, cosine) * (self.period / (2 * jnp.pi))


class RingTracking(AbstractFilteringTask):
    """A linear dynamical system whose position is seen, at every step anew, through a sensor of changing reliability.

    Of a state only its position is observed (with `driven` also its control), so velocity must be remembered: no
    filter of first order does better than 4 times the Kalman filter's error (notes 5.2).

    Outcomes: all positions, then all velocities (then controls), rad and seconds. Positions are not wrapped; errors
    are, to half a period of the sensor.

    **Metrics** on held-out sequences, without the first `settling` steps, which a state needs that begins at zero;
    errors are mean squares per dimension in rad²:

    - `mse_updown`: up-down, the position decoded from `reconstruct` as if it were an observation; `mse_ratio_updown`,
      that to the Kalman filter's on the same steps;
    - `mse_readout`: of a linear readout of `features`, fitted on the first half of the sequences and evaluated on the
      others; `mse_ratio`, that to the Kalman filter's on the same steps;
    - `velocity_r2`; `position_r2_20`, `position_r2_40`: R² of readouts of the velocity and of the position 20 and 40
      steps before, fitted alike; NaN where sequences are too short; the curve `delayed_r2` has them from 0 to
      60 steps back;
    - `kalman_mse`, `smoother_mse`, `sensory_mse`, `kalman_velocity_r2`: what the Kalman filter and the
      Rauch-Tung-Striebel smoother with the true parameters reach, and who decodes each step alone.

    Evaluating holds size · steps · features numbers, and factors a matrix of half of them.

    **Raises:** `ValueError` where sensors and world do not fit together or fewer than two steps are left to evaluate.
    """

    world: LinearWorld = oscillator()
    sensors: tuple[AbstractSensor, ...] = (PopulationCode(),)
    """One for each observed number of the world."""
    place: AbstractPlace = OnLine()
    length: int = eqx.field(static=True, default=1000)
    settling: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        if len(self.sensors) != len(self.world.observed):
            raise ValueError(
                f"RingTracking: one sensor for each of the {len(self.world.observed)} observed numbers, "
                f"got {len(self.sensors)}"
            )
        if any(sensor.dims != self.world.dims for sensor in self.sensors):
            raise ValueError(
                f"RingTracking: sensors must be of the world's {self.world.dims} dimensions, "
                f"got {[sensor.dims for sensor in self.sensors]}"
            )
        kinds = {type(sensor.family) for sensor in self.sensors}
        if len(kinds) > 1:
            raise ValueError("RingTracking: the observations of all sensors must be of one family, got several")
        if self.settling < 0 or self.length < self.settling + 2:
            raise ValueError(
                f"RingTracking: length must be at least 2 steps more than settling, got {self.length} and "
                f"{self.settling}"
            )

    @property
    def steps(self) -> int:
        return self.length

    @property
    def family(self) -> AbstractFamily:
        width = sum(sensor.family.size for sensor in self.sensors)
        return Poisson(width) if isinstance(self.sensors[0].family, Poisson) else UnitGaussian(width)

    @property
    def momentum_groups(self) -> MomentumGroups:
        return PLANE if self.world.dims == 2 else POPULATION

    @property
    def outcomes(self) -> tuple[str, ...]:
        dims = self.world.dims
        return tuple(name if dims == 1 else f"{name} {dim + 1}" for name in self.world.names for dim in range(dims))

    def sequence(self, *, key: Key) -> ArraySequence:
        key_states, key_seen = jax.random.split(key)
        states = self.world.trajectory(self.length, key=key_states)

        def seen(state: Array, step: Array) -> Array:
            keys = jax.random.split(jax.random.fold_in(key_seen, step), len(self.sensors))
            views = zip(self.sensors, self.world.observed, keys, strict=True)
            return jnp.concatenate([sensor.observe(state[:, number], key=k) for sensor, number, k in views])

        observations = jax.vmap(seen)(states, jnp.arange(self.length))
        outcomes = states.transpose(0, 2, 1).reshape(self.length, -1)
        return ArraySequence(observations, outcomes, jnp.array(self.length, jnp.int32))

    def held_out(self, row: Int[Array, ""], *, key: Key) -> ArraySequence:
        return self.sequence(key=jax.random.fold_in(key, row))

    def decode(self, observation: Float[Array, " p"]) -> tuple[Float[Array, "r dims"], Float[Array, "r dims"]]:
        """Estimate and variance of every observed number from one observation, NaN where it says nothing."""
        ends = [sum(sensor.family.size for sensor in self.sensors[: i + 1]) for i in range(len(self.sensors))]
        parts = jnp.split(observation, ends[:-1])
        found = [sensor.decode(part) for sensor, part in zip(self.sensors, parts, strict=True)]
        return jnp.stack([estimate for estimate, _ in found]), jnp.stack([variance for _, variance in found])

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        """**Raises** `ValueError` where `size` < 2: readouts are fitted on one half and evaluated on the other."""
        if size < 2:
            raise ValueError(f"RingTracking.evaluate: size must be at least 2, one half to fit readouts on, got {size}")

        def one(sequence: ArraySequence, key: Key) -> tuple[Array, ...]:
            read_out = lambda before, seen, after, key: (model.features(after), model.reconstruct(after))
            features, again = unroll(model, sequence, read_out, key=key)
            sensed, filtered, smoothed = self.yardsticks(sequence)
            return (
                features,
                jax.vmap(lambda y: self.decode(y)[0][0])(again),
                sequence.outcomes,
                *sensed,
                *filtered,
                *smoothed,
            )

        found = jax.tree.map(lambda x: x[:, self.settling :], over_held_out(self, one, size=size, key=key))
        features, updown, outcomes, sensed, filtered, filtered_velocity, smoothed = found
        dims, half = self.world.dims, size // 2
        position, velocity = outcomes[..., :dims], outcomes[..., dims : 2 * dims]
        off = lambda estimate, true: jnp.square(self.sensors[0].difference(estimate, true))
        kalman = off(filtered, position)
        flat = lambda x: x.reshape(-1, x.shape[-1])

        targets = jnp.concatenate([self.place.numbers(position), velocity], axis=-1)
        readout = ridge(flat(features[:half]), flat(targets[:half]))
        read = readout(flat(features[half:])).reshape(targets[half:].shape)
        mse_readout = jnp.mean(off(self.place.position(read[..., : -velocity.shape[-1]]), position[half:]))
        delayed = self._delayed(features, position, half)
        at = lambda delay: delayed[delay] if delay < delayed.shape[0] else jnp.full((), jnp.nan)
        mse = jnp.mean(off(updown, position))
        return {
            "mse_updown": mse,
            "mse_readout": mse_readout,
            "mse_ratio": mse_readout / jnp.mean(kalman[half:]),
            "mse_ratio_updown": mse / jnp.mean(kalman),
            "velocity_r2": r2(flat(read[..., -velocity.shape[-1] :] - velocity[half:]), flat(velocity[half:])),
            "position_r2_20": at(20),
            "position_r2_40": at(40),
            "kalman_mse": jnp.mean(kalman),
            "smoother_mse": jnp.mean(off(smoothed, position)),
            "sensory_mse": jnp.nanmean(off(sensed, position)),
            "kalman_velocity_r2": r2(flat(filtered_velocity - velocity), flat(velocity)),
            "delayed_r2": delayed,
        }

    def yardsticks(self, sequence: ArraySequence) -> tuple[tuple[Array], tuple[Array, Array], tuple[Array]]:
        """What each step alone says of the position, what the Kalman filter says of position and velocity, and what
        the smoother says of the position; each (time, dims). A step that says nothing is skipped by the filter."""
        estimates, variances = jax.vmap(self.decode)(sequence.inputs)
        model = self.world.model()
        ring = [sensor.difference for sensor in self.sensors]
        difference = lambda a, b: jnp.stack([ring[i](a[i], b[i]) for i in range(len(ring))])

        def one(estimates: Array, variances: Array) -> tuple[Array, Array]:
            noise = jax.vmap(jnp.diag)(variances)
            beliefs = kalman_filter(model, estimates, noise, difference=difference)
            return beliefs.means, smooth(model, beliefs).means

        filtered, smoothed = jax.vmap(one, in_axes=2, out_axes=2)(estimates, variances)
        return (estimates[:, 0],), (filtered[:, 0], filtered[:, 1]), (smoothed[:, 0],)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """The Kalman filter's is the best error that a filter can have; chance is who decodes each step alone."""
        kalman, sensory = metrics["kalman_mse"], metrics["sensory_mse"]
        error = {"best": kalman, "chance": sensory}
        ratio = {"best": 1.0, "chance": sensory / kalman}
        return {
            "mse_updown": error,
            "mse_readout": error,
            "mse_ratio": ratio,
            "mse_ratio_updown": ratio,
            "velocity_r2": {"best": metrics["kalman_velocity_r2"], "chance": 0.0},
            "position_r2_20": {"best": 1.0, "chance": 0.0},
            "position_r2_40": {"best": 1.0, "chance": 0.0},
        }

    def _delayed(self, features: Array, position: Array, half: int) -> Float[Array, " delays"]:
        """R² of the position 0, 1, … steps ago, of linear readouts fitted on one half and evaluated on the other."""
        time = features.shape[1]
        delays = min(DELAYS, time - 1) + 1
        late = features[:, delays - 1 :]
        places = self.place.numbers(position)
        past = jnp.stack([places[:, delays - 1 - d : time - d] for d in range(delays)], axis=2)
        flat = lambda x: x.reshape(-1, *x.shape[2:])
        fitted, held_out = flat(past[:half]), flat(past[half:])
        read = ridge(flat(late[:half]), fitted.reshape(fitted.shape[0], -1))(flat(late[half:])).reshape(held_out.shape)
        return jax.vmap(r2, in_axes=1)(read - held_out, held_out)


def ring_1d(length: int = 1000) -> RingTracking:
    """The main experiment: 15 neurons (rbmish, 1-D LTI with a population code)."""
    return RingTracking(place=OnCircle(PopulationCode().period), length=length)


def ring_2d(length: int = 1000) -> RingTracking:
    """Two dimensions: 15² neurons on a torus."""
    sensor = PopulationCode(dims=2)
    return RingTracking(oscillator(2), (sensor,), OnCircle(sensor.period), length)


def ring_with_efference_copy(length: int = 1000) -> RingTracking:
    """A force drives the mass; a second population over ±1.25 reports it."""
    sensors = PopulationCode(), PopulationCode(low=-1.25, high=1.25)
    return RingTracking(driven(), sensors, OnCircle(sensors[0].period), length)


def ring_without_spring(length: int = 1000) -> RingTracking:
    """The mass goes round the ring."""
    sensor = PopulationCode()
    return RingTracking(free(), (sensor,), OnCircle(period=sensor.period), length=length)


def ring_seen_by_a_gaussian(length: int = 1000) -> RingTracking:
    """One real number per step, y = (position + N(0, 0.0012)) / sqrt(0.0012)."""
    return RingTracking(oscillator(), (GaussianSensor(),), length=length)
