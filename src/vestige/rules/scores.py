"""How uncertain a step is: what makes it worth asking about."""

import abc
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float

from vestige.models.longterm import LongTermModel
from vestige.sequences import Window
from vestige.typing import Key


class AbstractScore(eqx.Module):
    """u_k for the steps of a sequence, window after window (MemUP section 3.3). Never differentiated."""

    @abc.abstractmethod
    def init(self, model: LongTermModel) -> Any:
        """What is carried from window to window."""

    @abc.abstractmethod
    def __call__(
        self, model: LongTermModel, state: Any, window: Window, lead: int, *, key: Key
    ) -> tuple[Any, Float[Array, " steps"]]:
        """Scores of the window's steps but the first `lead`, which belong to the window before and are there to be
        looked back at: `model.detector.context - 1` of them.

        `model` is the moving average of the trained one where the rule keeps one.
        """


class Entropy(AbstractScore):
    """Entropy of the detector's prediction: the paper's own form. Needs no outcome at the step, only classes."""

    def init(self, model: LongTermModel) -> None:
        return None

    def __call__(self, model: LongTermModel, state: None, window: Window, lead: int, *, key: Key):
        return None, jax.vmap(model.outcome.uncertainty)(model.detector(window.inputs, window.inside))


class Surprise(AbstractScore):
    """The detector's realised loss: -log d(y_k | x_k), or the squared error. One sample of what it expects."""

    def init(self, model: LongTermModel) -> None:
        return None

    def __call__(self, model: LongTermModel, state: None, window: Window, lead: int, *, key: Key):
        return None, _local(model, window, lead)


class Unexplained(AbstractScore):
    """The loss of memory and predictor together, run over the whole sequence: the released code's form.

    At the start memory knows nothing and this is local uncertainty; what it has learned to foretell leaves the
    top. Costs a pass of the recurrence over the sequence, where the local scores cost a product.
    """

    def init(self, model: LongTermModel) -> Any:
        return model.init()

    def __call__(self, model: LongTermModel, state: Any, window: Window, lead: int, *, key: Key):
        return _remembered(model, state, window, lead)


class Reducible(AbstractScore):
    """What a memory has explained of what local context cannot: local minus full loss, plus `curiosity` times local.

    Outcomes that nobody can foretell have the largest local uncertainty and would take all the places (MemUP
    sections 3.11.2 and 6, item 1); their difference is 0. At the start nothing is explained and the second term
    alone decides.

    **Raises:** `ValueError` where `curiosity < 0`.
    """

    curiosity: float = eqx.field(static=True, default=0.1)

    def __check_init__(self):
        if self.curiosity < 0:
            raise ValueError(f"Reducible: curiosity must not be negative, got {self.curiosity}")

    def init(self, model: LongTermModel) -> Any:
        return model.init()

    def __call__(self, model: LongTermModel, state: Any, window: Window, lead: int, *, key: Key):
        local = _local(model, window, lead)
        state, full = _remembered(model, state, window, lead)
        return state, local - full + self.curiosity * local


class Chance(AbstractScore):
    """A random number: the control in which targets are chosen blindly."""

    def init(self, model: LongTermModel) -> None:
        return None

    def __call__(self, model: LongTermModel, state: None, window: Window, lead: int, *, key: Key):
        return None, jax.random.uniform(key, window.inside[lead:].shape)


def _local(model: LongTermModel, window: Window, lead: int) -> Float[Array, " steps"]:
    predictions = model.detector(window.inputs, window.inside)
    outcomes = jax.tree.map(lambda leaf: leaf[lead:], window.outcomes)
    return jax.vmap(model.outcome.loss)(predictions, outcomes)


def _remembered(model: LongTermModel, state: Any, window: Window, lead: int) -> tuple[Any, Float[Array, " steps"]]:
    inputs, outcomes, inside = jax.tree.map(lambda leaf: leaf[lead:], (window.inputs, window.outcomes, window.inside))
    state, memories = model.remember(state, inputs, inside)
    return state, jax.vmap(model.surprise)(memories, inputs, outcomes)
