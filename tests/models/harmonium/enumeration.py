"""Harmoniums in plain numpy, by summing over every state: the oracle."""

import itertools

import numpy as np


def states(count):
    """Every state of so many bits, the first slowest."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=count))).reshape(-1, count)


def table(weights, visible_bias, hidden_bias):
    """log of exp(-E(v, h)) for every pair of states of a Bernoulli harmonium, (visible states, hidden states)."""
    visible, hidden = states(len(visible_bias)), states(len(hidden_bias))
    return (visible @ visible_bias)[:, None] + (hidden @ hidden_bias)[None] + visible @ weights @ hidden.T


def log_sum(values, axis=None):
    top = np.max(values, axis=axis, keepdims=True)
    return (
        np.squeeze(top, axis) + np.log(np.sum(np.exp(values - top), axis=axis))
        if axis is not None
        else float(np.max(values) + np.log(np.sum(np.exp(values - np.max(values)))))
    )
