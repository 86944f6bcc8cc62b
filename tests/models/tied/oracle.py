"""Small nets by enumeration in plain numpy, written without a look at the library; and the nets of the notes."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np

from tests.drawn import drawn
from vestige.models.tied import Bits, Dense, Full, TiedPair, Untied, tied_pair


def sigma(a):
    return 1 / (1 + np.exp(-np.asarray(a, float)))


def bits(n):
    return [np.array(state, float) for state in itertools.product((0, 1), repeat=n)]


def chance(x, a):
    """The probability of bits x at logits a, factor by factor."""
    return math.prod(float(s if bit else 1 - s) for bit, s in zip(x, sigma(a), strict=True))


class Small:
    """W lower x upper, as plain arrays; every probability is a product of factors."""

    def __init__(self, weights, down, up, prior, upward=None):
        self.weights, self.down, self.up = ([np.array(a, float) for a in x] for x in (weights, down, up))
        self.prior = np.array(prior, float)
        self.upward = self.weights if upward is None else [np.array(a, float) for a in upward]
        self.sizes = [len(self.weights[0]), *(w.shape[1] for w in self.weights)]

    def hidden(self):
        return itertools.product(*(bits(n) for n in self.sizes[1:]))

    def p(self, x, hidden):
        states = [np.asarray(x, float), *hidden]
        found = chance(states[-1], self.prior)
        for k, (w, u) in enumerate(zip(self.weights, self.down, strict=True)):
            found *= chance(states[k], w @ states[k + 1] + u)
        return found

    def q(self, x, hidden):
        states, found = [np.asarray(x, float), *hidden], 1.0
        for k, (w, v) in enumerate(zip(self.upward, self.up, strict=True)):
            found *= chance(states[k + 1], states[k] @ w + v)
        return found

    def likelihood(self, x):
        return sum(self.p(x, h) for h in self.hidden())

    def pair(self, tie=Full):
        joints = tuple(Dense((a,), (b,)) for a, b in zip(self.sizes[:-1], self.sizes[1:], strict=True))
        kernels = [jnp.asarray(w) for w in self.weights]
        ties = [tie(w) if tie is Full else Untied(w, jnp.asarray(r)) for w, r in zip(kernels, self.upward, strict=True)]
        return TiedPair(
            tuple(Bits(n) for n in self.sizes),
            joints,
            joints,
            tuple(ties),
            tuple(jnp.asarray(v) for v in self.up),
            tuple(jnp.asarray(u) for u in self.down),
            jnp.asarray(self.prior),
        )


CHAIN = Small(
    [np.array([[1, -1], [2, 0.5], [-1.5, 1]]).T, np.array([[1.5, -2, 1], [-1, 1, 2]]).T, np.array([[2, -3]]).T],
    [np.zeros(2), np.zeros(3), np.zeros(2)],
    [[0, -0.5, 0.25], [0.2, -0.3], [-0.7]],
    [0.0],
)
"""Check 2: upward 2-3-2-1."""

TINY = Small([[[2, -1], [1, 1.5]], [[1], [-2]]], [[-0.5, 0.2], [0.3, 0.4]], [[-0.4, 0.1], [0.25]], [-0.2])
"""Check 7: x(2) <- h1(2) <- h2(1), tied."""


def random_pair(*sizes, tie, key, scale=0.8):
    """All parameters away from zero."""
    build = lambda key: tied_pair([Bits(n) for n in sizes], tie=tie, key=key)
    return drawn(build, seed=int(jax.random.key_data(key)[-1]), scale=scale)
