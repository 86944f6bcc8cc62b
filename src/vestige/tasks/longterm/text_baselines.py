"""Frequencies of single characters, pairs and triples, smoothed: what a text says without a memory."""

import numpy as np

STRENGTHS = tuple(float(2**power) for power in range(-6, 11))
"""Of the prior that each distribution has in the one with a shorter context, in characters."""
TESTED = 0.1
"""The last share of the training part, on which strengths are chosen."""
NAMES = ("unigram", "bigram", "trigram")


def ngrams(train: np.ndarray, held_out: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    """How the next token of a text is predicted by how often it comes: at all, after the last one, after the last two.

    A distribution is the count of what followed the context, plus `strength` times the distribution after a context
    that is shorter by one (Dirichlet smoothing, MacKay and Peto 1995); below all is the uniform one. Strengths are
    chosen on the last tenth of the training part, and counts are then those of all of it.

    **Arguments:**

    - `train`: (steps,) tokens, in order.
    - `held_out`: (steps,) tokens that come after them; the first is predicted from the end of `train`.
    - `classes`: how many tokens there are.

    **Returns:** name -> (held-out,) log-probability of each token.
    """
    cut = len(train) - max(1, round(TESTED * len(train)))
    strengths: list[float] = []
    below = np.full(len(train) - cut, 1.0 / classes)
    for length in range(len(NAMES)):
        pairs, totals = _followed(train[:cut], train[cut:], classes, length)
        smoothed = {strength: (pairs + strength * below) / (totals + strength) for strength in STRENGTHS}
        strengths.append(max(STRENGTHS, key=lambda strength: float(np.mean(np.log(smoothed[strength])))))
        below = smoothed[strengths[-1]]
    return dict(zip(NAMES, _logs(train, held_out, classes, strengths), strict=True))


def _logs(train: np.ndarray, asked: np.ndarray, classes: int, strengths: list[float]) -> list[np.ndarray]:
    """Log-probabilities of `asked`, which goes on after `train`, by contexts of length 0, 1, …"""
    found, below = [], np.full(len(asked), 1.0 / classes)
    for length, strength in enumerate(strengths):
        pairs, totals = _followed(train, asked, classes, length)
        below = (pairs + strength * below) / (totals + strength)
        found.append(np.log(below))
    return found


def _followed(train: np.ndarray, asked: np.ndarray, classes: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """How often in `train` each of `asked`, which goes on after it, followed the `length` tokens before it, and how
    often these occurred with any token after them."""
    both, begin = np.concatenate([train, asked]).astype(np.int64), len(train)
    context = np.zeros(len(both), np.int64)
    for back in range(length, 0, -1):
        context[length:] = context[length:] * (classes + 1) + both[length - back : len(both) - back] + 1
    whole = context * (classes + 1) + both
    return _counts(whole[length:begin], whole[begin:]), _counts(context[length:begin], context[begin:])


def _counts(seen: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """How often each of `asked` occurs in `seen`."""
    values, counts = np.unique(seen, return_counts=True)
    if not len(values):
        return np.zeros(len(asked))
    places = np.minimum(np.searchsorted(values, asked), len(values) - 1)
    return np.where(values[places] == asked, counts[places], 0).astype(np.float64)
