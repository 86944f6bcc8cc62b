"""From the options of an experiment in the room of two colours to what a run needs."""

import jax
import jax.numpy as jnp
import numpy as np

from vestige.experiments.contract import Built
from vestige.experiments.twocolors.options import TwoColors
from vestige.models.longterm import Detector, LongTermModel, Number, Picture
from vestige.tasks.twocolors import ColorEpisodes, Recorded, record
from vestige.typing import Key


def build(options: TwoColors, *, seed: int) -> Built:
    """Model, task, rule and optimiser. Records the episodes first.

    **Raises:** `UsageError` where the game is not installed.
    """
    key_model, key_run = jax.random.split(jax.random.key(seed))
    task = _recorded(options, seed)
    rule = options.rule.build(rollout=options.rollout)
    model = _model(options, task.train, key=key_model)
    return Built(model, task, rule, options.optimiser.build(options.steps), key_run)


def _recorded(options: TwoColors, seed: int) -> ColorEpisodes:
    def those(episodes: int, seed: np.random.SeedSequence) -> Recorded:
        recorded = record(episodes, seed=seed, skip=options.skip, tics=options.tics)
        return jax.tree.map(jnp.asarray, recorded)

    train, held_out = np.random.SeedSequence(seed).spawn(2)
    return ColorEpisodes(those(options.episodes, train), those(options.held_out, held_out))


def _model(options: TwoColors, seen: Recorded, *, key: Key) -> LongTermModel:
    keys = jax.random.split(key, 6)
    before = tuple(range(seen.choices))  # a memory may know the last action,
    now = tuple(range(seen.choices, 2 * seen.choices))  # and only a question the one that is about to be taken

    def eye(columns: tuple[int, ...], key: Key) -> Picture:
        return Picture(seen.frames.shape[1:], columns, options.features, width=options.channels, key=key)

    outcome = Number()
    detector = Detector(eye(now, keys[3]), outcome.size, width=options.width, key=keys[4])
    cell = options.cell.build(options.features, span=seen.horizon, key=keys[1])
    memory, question = eye(before, keys[0]), eye(now, keys[2])
    return LongTermModel(memory, cell, question, outcome, detector, width=options.width, key=keys[5])
