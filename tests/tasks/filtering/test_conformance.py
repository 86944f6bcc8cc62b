"""Every filtering task keeps the contract."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.filtering import conformance
from vestige.data import FrameSet, Recorded, Recording
from vestige.tasks.filtering import (
    BouncingBalls,
    SensorFusion,
    characters,
    custom_recordings,
    motion_capture,
    piano_rolls,
    place_cells,
    ring_1d,
    ring_2d,
    ring_seen_by_a_gaussian,
    ring_with_efference_copy,
    ring_without_spring,
)
from vestige.tasks.filtering.dynamics import oscillator
from vestige.tasks.filtering.population import PopulationCode
from vestige.tasks.filtering.ring import RingTracking

RANDOM = np.random.default_rng(7)


def rolls(*lengths):
    notes = (RANDOM.random((sum(lengths), 6)) < 0.3).astype(np.uint8)
    return FrameSet(notes, np.array(lengths, np.int32), tuple(f"note {j}" for j in range(6)))


def motion(*lengths):
    frames = np.cumsum(RANDOM.normal(size=(sum(lengths), 4)), axis=0).astype(np.float32)
    frames[5] = np.nan
    return FrameSet(frames, np.array(lengths, np.int32), ("hip", "knee", "ankle", "toe"))


def runner(seconds=240.0):
    """Back and forth on a line, with cells that fire at places."""
    time = np.arange(0, seconds, 1 / 60)
    place = 320 + 200 * np.sin(2 * np.pi * time / 12)
    rate = 12 * np.exp(-np.square((place[:, None] - np.linspace(120, 520, 8)) / 60) / 2)
    fired = RANDOM.random(rate.shape) < rate / 60
    moment, unit = np.nonzero(fired)
    return Recording(time[moment] + 0.001, unit, 9, time, np.stack([place, np.full_like(place, 240)], axis=1))


TASKS = {
    "ring": ring_1d(40),
    "ring in two dimensions": RingTracking(oscillator(2), (PopulationCode(neurons=7, dims=2),), length=40),
    "ring with efference copy": ring_with_efference_copy(40),
    "ring without spring": ring_without_spring(40),
    "ring seen by a Gaussian": ring_seen_by_a_gaussian(40),
    "sensors": SensorFusion(length=30),
    "balls": BouncingBalls(balls=2, resolution=7, length=10),
    "rolls": piano_rolls(rolls(9, 300, 140), rolls(12, 7), length=12),
    "motion": motion_capture(motion(20, 31), motion(15, 18), nth=2, changes=True, length=8),
    "characters": characters(
        "the cat sat on the mat, and that was that. " * 9, "a hat on the cat; what of that", length=7
    ),
    "recordings of one's own": custom_recordings(
        Recorded(rolls(40, 30), RANDOM.normal(size=(70, 2)).astype(np.float32)), "bits", held_out=0.5, length=9
    ),
    "place cells": place_cells(runner(), drop=(2,)),
}


VARIANTS = {"ring in two dimensions", "ring with efference copy", "ring without spring", "ring seen by a Gaussian"}
"""Of a ring, told apart in test_ring.py."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in VARIANTS)) for n in TASKS])
class TestEvery:
    @pytest.mark.few(4)
    def test_shapes_are_as_told(self, name, key):
        conformance.shapes_are_as_told(TASKS[name], key)

    def test_rows_and_keys_differ(self, name, key):
        conformance.rows_and_keys_differ(TASKS[name], key)

    @pytest.mark.slow  # tests/conformance draws rows of every registered task
    def test_rows_stand_alone(self, name, key):
        conformance.rows_stand_alone(TASKS[name], key)

    @pytest.mark.slow
    def test_compiled_is_the_same(self, name, key):
        conformance.compiled_is_the_same(TASKS[name], key)

    @pytest.mark.few(1)
    def test_is_judged(self, name, key):
        conformance.is_judged(TASKS[name], key)

    def test_padding_is_not_read(self, name, key):
        conformance.padding_is_not_read(TASKS[name], key)


def test_names_of_outcomes():
    assert ring_2d(40).outcomes == ("position 1", "position 2", "velocity 1", "velocity 2")
    assert ring_2d(40).width == 225
    assert ring_with_efference_copy(40).outcomes == ("position", "velocity", "control")
    assert len(BouncingBalls().outcomes) == 12


def test_the_task_knows_the_family_of_its_observations():
    kinds = {name: type(task.family).__name__ for name, task in TASKS.items()}
    assert kinds["ring"] == kinds["place cells"] == "Poisson"
    assert kinds["balls"] == kinds["rolls"] == "Bernoulli"
    assert kinds["sensors"] == kinds["motion"] == kinds["ring seen by a Gaussian"] == "UnitGaussian"
    assert kinds["characters"] == "Categorical"
    assert jnp.isfinite(TASKS["sensors"].pole)
