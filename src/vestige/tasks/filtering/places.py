"""Where is the animal, from the spikes of its place cells (the notes name such data; the task is ours)."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.data import Recording
from vestige.models.families import Poisson
from vestige.numerics import batched_map
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.contract import over_held_out
from vestige.tasks.filtering.readout import chosen_ridge
from vestige.tasks.filtering.recordings import AbstractRecordings, Stretches, checked_length, stretches
from vestige.tasks.filtering.running import binned, parted, pieces, runs, speed
from vestige.tasks.filtering.unrolling import Filters, observed, unroll
from vestige.typing import Key, Metrics

FLOOR = 1e-3
"""Spikes a second that every cell is granted everywhere, so that one unexpected spike does not rule a place out."""


class PlaceCells(AbstractRecordings):
    """Counts of spikes in bins of time while an animal runs, and where it was.

    Sequences are the stretches in which it ran, one after the other in time; the last of them are held out.
    Outcomes: x and y in camera pixels (how many there are to a centimetre is not recorded).

    **Metrics** on held-out stretches; errors are medians over bins of the distance in pixels:

    - `position_error`: of a readout of `features`, fitted on the training stretches, which the model filters too. It
      is a ridge regression to the places of a grid, each a target of its own, of which the largest wins. What a few
      spikes say of a position has several peaks (both ends of a track, two arms of a maze), and the mean of two peaks
      lies where the animal is in neither case: `position_error_linear`, a ridge regression to x and y, shows what that
      costs. Penalties are chosen on the last fifth of the training stretches;
    - `decoder_error`: the Bayesian decoder without memory on the same bins, independent Poisson cells with place
      fields and a prior over places from the training stretches (fields are smoothed by a Gaussian of one cell of the
      grid), the likeliest place of the grid;
    - `log_likelihood`: mean over bins of log q(y_t | x_{t-1}) in nats; `constant_log_likelihood`: of independent
      Poisson cells with their mean rates in training.
    """

    train: Stretches
    test: Stretches
    grid: Float[Array, "places 2"]
    """The centres of the cells of the grid that the animal was in while training."""
    cell: float = eqx.field(static=True)
    """Pixels along the side of a cell."""
    bin: float = eqx.field(static=True)
    """Seconds."""
    units: tuple[int, ...] = eqx.field(static=True)
    """The recording's units that are seen, in order."""
    length: int = eqx.field(static=True, default=20)

    def __check_init__(self):
        checked_length("PlaceCells", self.length)

    @property
    def family(self) -> Poisson:
        return Poisson(self.train.frames.shape[1])

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ("x", "y")

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        key_train, key_test = jax.random.split(key)

        def state(before: Any, seen: Array, after: Any, key: Key) -> Array:
            return model.features(after)

        def filtered(number: Array) -> tuple[Array, Array, Array]:
            sequence = self.train.recording(number)
            features = unroll(model, sequence, state, key=jax.random.fold_in(key_train, number))
            return features, sequence.outcomes, _inside(sequence)

        learned = batched_map(filtered, jnp.arange(self.train.count), at_most=64)
        features, places, inside = (x.reshape(-1, *x.shape[2:]) for x in learned)
        known = jnp.where(inside, 1.0, 0.0)
        nearness = self._nearness(places)
        to_place = chosen_ridge(features, nearness / jnp.sum(nearness, axis=1, keepdims=True), known)
        to_numbers = chosen_ridge(features, places, known)
        fields, prior = self._fields()
        mean_rates = self._mean_counts()

        def one(sequence: ArraySequence, key: Key) -> tuple[dict[str, Array], dict[str, tuple[Array, Array]]]:
            read_out = lambda before, seen, after, key: (
                model.features(after),
                model.log_predictive(before, seen, key=key),
            )
            features, scores = unroll(model, sequence, read_out, key=key)
            inside, counts = _inside(sequence), jnp.nan_to_num(observed(sequence))
            decoded = jnp.matmul(counts, jnp.log(fields).T) - jnp.sum(fields, axis=1)[None] + jnp.log(prior)[None]
            away = lambda guess: jnp.where(
                inside, jnp.sqrt(jnp.sum(jnp.square(guess - sequence.outcomes), axis=1)), jnp.nan
            )
            errors = {
                "position_error": away(self.grid[jnp.argmax(to_place(features), axis=1)]),
                "position_error_linear": away(to_numbers(features)),
                "decoder_error": away(self.grid[jnp.argmax(decoded, axis=1)]),
            }
            constant = jnp.sum(
                counts * jnp.log(mean_rates)[None] - mean_rates[None] - jax.scipy.special.gammaln(counts + 1), axis=1
            )
            total = lambda score: jnp.sum(jnp.where(inside, score, 0.0))
            count = jnp.sum(inside).astype(jnp.float32)
            return errors, {
                "log_likelihood": (total(scores), count),
                "constant_log_likelihood": (total(constant), count),
            }

        errors, scores = over_held_out(self, one, size=size, key=key_test)
        return {
            **{name: jnp.nanmedian(error) for name, error in errors.items()},
            **{name: jnp.sum(total) / jnp.sum(count) for name, (total, count) in scores.items()},
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """What can at best be reached is not known; chance is who decodes each bin alone, and constant rates."""
        chance = metrics["decoder_error"]
        return {
            "position_error": {"best": None, "chance": chance},
            "position_error_linear": {"best": None, "chance": chance},
            "log_likelihood": {"best": None, "chance": metrics["constant_log_likelihood"]},
        }

    def _nearness(self, where: Float[Array, "bins 2"]) -> Float[Array, "bins places"]:
        squared = jnp.sum(jnp.square(where[:, None] - self.grid[None]), axis=-1)
        # The nearest place has nearness 1, so that no bin is far from all.
        return jnp.exp(-(squared - jnp.min(squared, axis=1, keepdims=True)) / (2 * self.cell**2))

    def _fields(self) -> tuple[Float[Array, "places units"], Float[Array, " places"]]:
        """Expected counts of a bin at each place, and how often the animal was there."""
        near = self._nearness(self.train.outcomes)
        occupied = jnp.sum(near, axis=0)
        counts = self.train.frames.astype(jnp.float32)
        fields = jnp.matmul(near.T, counts, precision=jax.lax.Precision.HIGHEST) / occupied[:, None]
        return fields + FLOOR * self.bin, occupied / jnp.sum(occupied)

    def _mean_counts(self) -> Float[Array, " units"]:
        return jnp.mean(self.train.frames.astype(jnp.float32), axis=0) + FLOOR * self.bin


def _inside(sequence: ArraySequence) -> Bool[Array, " time"]:
    return jnp.arange(sequence.inputs.shape[0]) < sequence.length


def place_cells(
    recording: Recording,
    *,
    drop: tuple[int, ...] = (),
    fewest: int = 1,
    bin: float = 0.25,
    slowest: float = 20.0,
    min_duration: float = 2.0,
    share: float = 0.25,
    cell: float = 20.0,
    length: int = 20,
) -> PlaceCells:
    """The task on a recording as `Hippocampus().load` gives it.

    **Arguments:**

    - `drop`: units to leave out; `vestige.data.hippocampus.NOT_A_CELL` names those that are no single cells.
    - `fewest`: units with fewer spikes than that in the training bins are left out too: who is silent while training
      can teach nothing. `PlaceCells.units` has those that are left.
    - `bin`: seconds of a bin.
    - `slowest`: the least speed in pixels a second at which the animal is taken to run; pauses of half a second count
      as running. At rest hippocampal cells fire in bursts that replay places elsewhere, so rest is left out.
    - `min_duration`: seconds of the shortest run that is kept.
    - `share`: of the running time, the last is held out.
    - `cell`: pixels along the side of a cell of the grid.
    - `recording`: spikes and positions.
    - `length`: steps of a training window.

    **Raises:** `ValueError` where a number is not positive, `share` is not in (0, 1), a unit in `drop` is unknown, no
    unit is left, or the animal does not run.
    """
    if min(bin, slowest, min_duration, cell, fewest) <= 0 or not 0 < share < 1:
        raise ValueError(
            "place_cells: bin, slowest, min_duration, cell and fewest must be positive and share in (0, 1), got "
            f"{bin}, {slowest}, {min_duration}, {cell}, {fewest} and {share}"
        )
    if unknown := [unit for unit in drop if not 0 <= unit < recording.units]:
        raise ValueError(f"place_cells: drop names units 0..{recording.units - 1}, got {unknown}")
    counts, where = binned(recording, bin)
    quick = speed(where, bin) > slowest
    found = runs(quick, bridge=math.ceil(0.5 / bin), min_length=math.ceil(min_duration / bin))
    found = [(a, b) for a, b in found if not np.isnan(where[a:b]).any()]
    early, late = parted(found, share)
    if not early or not late:
        raise ValueError(
            f"place_cells: the animal must run, got {len(found)} runs of {min_duration} s at {slowest} pixels a second"
        )
    spikes = np.concatenate([counts[a:b] for a, b in early]).sum(axis=0)
    kept = tuple(unit for unit in range(recording.units) if unit not in drop and spikes[unit] >= fewest)
    if not kept:
        raise ValueError(f"place_cells: no unit but those in drop={drop} has {fewest} spikes in the training bins")
    names = tuple(f"unit {unit}" for unit in kept)
    train, train_where = pieces(counts[:, list(kept)], where, early, names)
    test, test_where = pieces(counts[:, list(kept)], where, late, names)
    for part in (train, test):
        Poisson(len(kept)).admit(part.frames, "place_cells")
    corner = np.unique(np.floor(train_where / cell), axis=0)
    grid = jnp.asarray(((corner + 0.5) * cell).astype(np.float32))
    return PlaceCells(
        train=stretches(train, train_where),
        test=stretches(test, test_where),
        grid=grid,
        cell=cell,
        bin=bin,
        units=kept,
        length=length,
    )
