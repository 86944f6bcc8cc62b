"""Which future steps are predicted from a memory."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.typing import Key


class Candidates(NamedTuple):
    """The most uncertain steps of a sequence, best first, equals in random order: numbers of `steps` and their
    `scores`.

    A candidate that is missing has the score -inf.
    """

    steps: Int[Array, " candidates"]
    scores: Float[Array, " candidates"]

    def ahead(self, point: Int[Array, ""]) -> "Candidates":
        """The same candidates; those before the step `point` score -inf."""
        return Candidates(self.steps, jnp.where(self.steps >= point, self.scores, -jnp.inf))

    def until(self, last: Int[Array, ""]) -> "Candidates":
        """The same candidates; those after the step `last` score -inf."""
        return Candidates(self.steps, jnp.where(self.steps <= last, self.scores, -jnp.inf))


class Targets(NamedTuple):
    """Numbers of the `steps` whose outcomes are predicted, and their `weights` in the loss."""

    steps: Int[Array, " targets"]
    weights: Float[Array, " targets"]


class AbstractSelection(eqx.Module):
    """Chooses the set U_t among the candidates."""

    @abc.abstractmethod
    def __call__(self, candidates: Candidates, point: Int[Array, ""], count: int, *, key: Key) -> Targets:
        """Choose the steps whose outcomes must be predicted from the memory at one point.

        **Arguments:**

        - `candidates`: the most uncertain steps of the sequence.
        - `point`: the step at which the memory is read; only steps k >= `point` are chosen.
        - `count`: how many, static.

        **Returns:** `count` steps and their weights, which sum to 1 where the choice is deterministic, else as the
        member says. Where no candidate lies ahead all weights are 0.
        """


class TopK(AbstractSelection):
    """The `count` most uncertain (MemUP equation E5).

    Where fewer lie ahead, randomly chosen ones of them are repeated (section 3.4). Equals come in
    the order of the candidates.
    """

    def __call__(self, candidates: Candidates, point: Int[Array, ""], count: int, *, key: Key) -> Targets:
        return _first(candidates.ahead(point), candidates.ahead(point).scores, count, key=key)


class GumbelTopK(AbstractSelection):
    """`count` of them without replacement, by Gumbel-top-k on `score / temperature`, anew at every point.

    **Arguments:**

    - `temperature`: positive. The released code's is 0.25; an infinite one makes every candidate as likely as any
      other.

    **Raises:** `ValueError` where `temperature <= 0`.
    """

    temperature: float = eqx.field(static=True, default=0.25)

    def __check_init__(self):
        _positive("GumbelTopK", self.temperature)

    def __call__(self, candidates: Candidates, point: Int[Array, ""], count: int, *, key: Key) -> Targets:
        key_noise, key_repeat = jax.random.split(key)
        ahead = candidates.ahead(point)
        noise = jax.random.gumbel(key_noise, ahead.scores.shape)
        perturbed = jnp.where(ahead.scores > -jnp.inf, ahead.scores / self.temperature + noise, -jnp.inf)
        order = jnp.argsort(-perturbed)
        sorted_ahead = Candidates(ahead.steps[order], ahead.scores[order])
        return _first(sorted_ahead, perturbed[order], count, key=key_repeat)


class Importance(AbstractSelection):
    """`count` of them with replacement from `p ∝ exp(score / temperature)`, each weighted by `1 / (count p)`.

    The weighted sum of losses is then an unbiased estimate of the sum over *all* candidates ahead, the inner sum of
    equation E1 (MemUP section 6, item 3), where every known step is a candidate. `TopK` is biased and varies least;
    this is the other end of the dial.

    **Arguments:**

    - `temperature`: positive; an infinite one makes every candidate as likely as any other.

    **Raises:** `ValueError` where `temperature <= 0`.
    """

    temperature: float = eqx.field(static=True, default=1.0)

    def __check_init__(self):
        _positive("Importance", self.temperature)

    def __call__(self, candidates: Candidates, point: Int[Array, ""], count: int, *, key: Key) -> Targets:
        ahead = candidates.ahead(point)
        some = jnp.any(ahead.scores > -jnp.inf)
        logits = jnp.where(some & (ahead.scores == -jnp.inf), -jnp.inf, ahead.scores / self.temperature)
        logs = jax.nn.log_softmax(jnp.where(some, logits, 0.0))
        chosen = jax.random.categorical(key, logs, shape=(count,))
        weights = jnp.where(some, jnp.exp(-logs[chosen]) / count, 0.0)
        return Targets(ahead.steps[chosen], weights)


def _first(ahead: Candidates, values: Float[Array, " candidates"], count: int, *, key: Key) -> Targets:
    """The first `count` that are there, in the order given; what is missing repeats any of them."""
    there = values > -jnp.inf
    number = jnp.sum(there, dtype=ahead.steps.dtype)
    order = jnp.argsort(~there, stable=True)  # those that are there first, in their order
    asked = jnp.arange(count, dtype=ahead.steps.dtype)
    repeated = jax.random.randint(key, (count,), 0, jnp.maximum(number, 1), dtype=ahead.steps.dtype)
    chosen = order[jnp.where(asked < number, asked, repeated)]
    weights = jnp.where(number > 0, 1.0 / count, 0.0)
    return Targets(ahead.steps[chosen], jnp.broadcast_to(weights, (count,)))


def _positive(name: str, temperature: float) -> None:
    if not temperature > 0:
        raise ValueError(f"{name}: temperature must be positive, got {temperature}")
