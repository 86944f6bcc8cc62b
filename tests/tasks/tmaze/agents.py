"""Small agents for mazes, here and where rules and experiments are tested."""

import jax

from vestige.cells import LSTM, Fixed
from vestige.models.longterm import Columns, Detector, LongTermModel, Number
from vestige.models.policy import Agent, Policy

BEFORE, QUESTION = (0, 1, 2, 3, 4, 5), (0, 1, 2, 6, 7)


def small_agent(*, key, hidden=6, before=BEFORE, question=QUESTION, keep=2.0) -> Agent:
    keys = jax.random.split(key, 7)
    memory = LongTermModel(
        Columns(before, 5, key=keys[0]),
        LSTM(5, hidden, retention=Fixed(keep, -keep), key=keys[1]),
        Columns(question, 8, key=keys[2]),
        Number(),
        Detector(Columns(question, 4, key=keys[3]), 1, width=4, key=keys[4]),
        width=8,
        key=keys[5],
    )
    return Agent(memory, Policy(Agent.features_size(memory), 2, widths=(8, 8), key=keys[6]))
