"""From the options of an experiment in the T-maze to what a run needs."""

import math

import jax

from vestige.cells import LSTM, Fixed
from vestige.experiments.contract import Built
from vestige.experiments.tmaze.options import TMaze
from vestige.models.longterm import Columns, Detector, LongTermModel, Number
from vestige.models.policy import Agent, Policy
from vestige.rules import MemUP
from vestige.tasks import tmaze
from vestige.typing import Key

SURVEYED = 500  # steps of an episode that are looked over at once
BEFORE = (0, 1, 2, 3, 4, 5)  # observation, last action and its reward: what a memory may see
QUESTION = (0, 1, 2, 6, 7)  # observation and action: what the reward may depend on (MemUP section 4.2)


def build(options: TMaze, *, seed: int) -> Built:
    """Agent, task, rule and optimiser."""
    key_memory, key_policy, key_run = jax.random.split(jax.random.key(seed), 3)
    task = tmaze.MazeControl(tmaze.TMaze(options.length, options.jitter))
    memory = _memory(options, key=key_memory)
    widths = (options.heads, options.heads)
    policy = Policy(Agent.features_size(memory), task.maze.actions, widths=widths, key=key_policy)
    chunk = min(SURVEYED, task.maze.horizon)
    memup = MemUP(options.rollout, options.targets, frequency=options.frequency, scan_chunk=chunk)
    rule = options.training.build(options.ppo.build(task.maze), memup)
    optimiser = options.training.optimiser(options.memory_optimiser, options.policy_optimiser, steps=options.steps)
    return Built(Agent(memory, policy), task, rule, optimiser, key_run)


def _memory(options: TMaze, *, key: Key) -> LongTermModel:
    keys = jax.random.split(key, 6)
    keep = max(1.0, math.log(options.length / 5)) if options.keep is None else options.keep
    outcome = Number()
    return LongTermModel(
        Columns(BEFORE, options.features, key=keys[0]),
        LSTM(options.features, options.hidden, retention=Fixed(keep, -keep), key=keys[1]),
        Columns(QUESTION, options.features, key=keys[2]),
        outcome,
        Detector(Columns(QUESTION, options.features, key=keys[3]), outcome.size, width=options.features, key=keys[4]),
        width=options.width,
        key=keys[5],
    )
