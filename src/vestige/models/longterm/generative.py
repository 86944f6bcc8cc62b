"""A generative temporal model as a long-term memory."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.longterm.contract import AbstractLongTermModel
from vestige.models.longterm.detector import Detector
from vestige.models.longterm.inputs import AbstractInput, Vector
from vestige.models.longterm.outcome import AbstractOutcome
from vestige.models.temporal import AbstractLikelihood, TemporalModel, TemporalState
from vestige.numerics import masked_where
from vestige.typing import Key


class Observed(eqx.Module):
    """What a generative memory observes at step t: the frame before, and what is given for this one; of several steps,
    time first."""

    frame: Float[Array, "*time_and_frame"]
    """x_{t-1}; at the first step it means nothing."""
    before: Float[Array, "*time action"]
    """What was given for it."""
    condition: Float[Array, "*time action"]
    """What is given for frame t."""
    first: Bool[Array, "*time"]
    noise: Any
    """The key with which latents are drawn at this step, the same whenever it is looked at."""


class Given(AbstractInput):
    """What is given for the frame that is predicted, read by a `Vector`; no frame is seen.

    **Arguments:**

    - `size`: numbers that are given for a frame.
    - `features_size`: units of the `Vector`.
    """

    vector: Vector
    features_size: int = eqx.field(static=True)

    def __init__(self, size: int, features_size: int, *, key: Key):
        self.vector, self.features_size = Vector(size, features_size, key=key), features_size

    def __call__(self, inputs: Observed) -> Float[Array, " features"]:
        return self.vector(inputs.condition)


class Frame(AbstractOutcome):
    """A frame; a prediction holds the parameters of its likelihood, the loss is -log p in nats.

    `uncertainty` is refused: the entropy of a prediction by a density that is not discrete is no score. Score by the
    realised loss.

    **Arguments:**

    - `likelihood`: of a frame.
    - `shape`: of a frame.
    """

    likelihood: AbstractLikelihood
    shape: tuple[int, ...] = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def __init__(self, likelihood: AbstractLikelihood, shape: tuple[int, ...]):
        self.likelihood, self.shape, self.size = likelihood, shape, math.prod(shape)

    def loss(self, prediction: Float[Array, " size"], outcome: Array) -> Float[Array, ""]:
        return -self.likelihood.log_prob(prediction.reshape(self.shape), outcome)

    def uncertainty(self, prediction: Float[Array, " size"]) -> Float[Array, ""]:
        raise ValueError("Frame: the entropy of a predicted frame is no score. Score steps by surprise.")


class GenerativeMemory(AbstractLongTermModel):
    """A generative temporal model behind the contract of long-term models, so that rules for these can train it.

    The outcome of step t is frame t, and its input is frame t - 1: m_t is the model's state after the frames before t,
    external memory included. Asked about a later frame k, the model reads from m_t as if k came next, and the surprise
    is minus the evidence lower bound of that one frame,

        -log p(x_k | m_t, c_k) <= KL[q(z | m_t, x_k) || p(z | m_t, c_k)] - E_q log p(x_k | z)

    along one path. So what is given for a frame, c_k, must say which one is wanted; without it, all frames ahead would
    be queried by the same question.

    Cost per step: one step of the model to remember, and another one wherever it is queried. An example's inputs are
    [`Observed`][vestige.models.longterm.Observed].
    """

    model: TemporalModel
    detector: Detector
    outcome: Frame  # pyright: ignore[reportIncompatibleVariableOverride]

    def init(self) -> TemporalState:
        return self.model.init()

    def encode(
        self, state: TemporalState, inputs: Observed, mask: Bool[Array, " time"] | None = None
    ) -> tuple[TemporalState, TemporalState]:
        counts = ~inputs.first if mask is None else ~inputs.first & mask

        def step(state: TemporalState, xs: tuple[Observed, Array]) -> tuple[TemporalState, TemporalState]:
            seen, counts = xs
            after = self._taken(state, seen.frame, seen.before, jax.random.fold_in(seen.noise, 0)).state
            state = jax.tree.map(lambda new, old: jnp.where(counts, new, old), after, state)
            return state, state

        return jax.lax.scan(step, state, (masked_where(counts, inputs), counts))

    def surprise(self, memory: TemporalState, inputs: Observed, outcome: Float[Array, "*frame"]) -> Float[Array, ""]:
        kl, cost = self.described(memory, inputs, outcome)
        return kl + cost

    def described(
        self, memory: TemporalState, inputs: Observed, outcome: Float[Array, "*frame"]
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The two parts of the surprise in nats: KL of the latent, which is what the memory could not predict, and
        -log p of the pixels given it."""
        taken = self._taken(memory, outcome, inputs.condition, jax.random.fold_in(inputs.noise, 1))
        kl = taken.prior.surprise(taken.posterior, taken.latent)[0]
        return kl, -self.model.likelihood.log_prob(taken.frame_parameters[0], outcome)

    def _taken(self, state: TemporalState, frame: Array, condition: Array, key: Key) -> Any:
        return self.model.filter(frame[None], condition=condition[None], state=state, key=key)


def generative_memory(
    model: TemporalModel, frame_shape: tuple[int, ...], condition_size: int, *, width: int = 64, key: Key
) -> GenerativeMemory:
    """`model` with a detector that sees nothing but what is given for a frame.

    **Arguments:**

    - `model`: a generative temporal model.
    - `frame_shape`: of one frame.
    - `condition_size`: numbers that are given for a frame.
    - `width`: hidden units of the detector.
    """
    keys = jax.random.split(key, 2)
    outcome = Frame(model.likelihood, frame_shape)
    detector = Detector(Given(condition_size, width, key=keys[0]), outcome.size, width=width, key=keys[1])
    return GenerativeMemory(model=model, detector=detector, outcome=outcome)
