"""How uncertain a step is: what makes it worth predicting."""

import abc
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.models.longterm import AbstractLongTermModel
from vestige.sequences import AbstractSequence, Window
from vestige.typing import Key, PyTree


class AbstractScore(eqx.Module):
    """u_k for the steps of a sequence, window after window (MemUP section 3.3). Never differentiated.

    A step that must not become a target scores -inf.
    """

    @property
    @abc.abstractmethod
    def from_start(self) -> bool:
        """Whether a score depends on all steps before its own, so that a sequence is read from the first one on."""

    @abc.abstractmethod
    def init(self, model: AbstractLongTermModel, sequence: AbstractSequence) -> Any:
        """What is carried from window to window, before the first.

        **Arguments:**

        - `model`: as in a call.
        - `sequence`: the one whose steps are scored.

        **Returns:** a pytree of arrays, or None.
        """

    @abc.abstractmethod
    def __call__(
        self,
        model: AbstractLongTermModel,
        state: Any,
        window: Window,
        steps: Int[Array, " steps"],
        lead: int,
        *,
        key: Key,
    ) -> tuple[Any, Float[Array, " steps"]]:
        """Score the steps of one window.

        **Arguments:**

        - `model`: the moving average of the trained one where the rule keeps one.
        - `state`: what the window before left.
        - `window`: `lead` steps of the window before, to be looked back at, `model.detector.context - 1` of them, and
          then those to be scored.
        - `steps`: where in the sequence these stand; the last ones may lie beyond its end.
        - `lead`: how many steps of `window` come before those that are scored, static.
        - `key`: the same for all windows. What is drawn belongs to a step (`jax.random.fold_in(key, step)`), and so
          does not depend on the size of the windows.

        **Returns:** what is carried on, and (steps,), a score for each of `steps`.

        **Raises:** `ValueError` where the model's outcome has no such score.
        """


class Entropy(AbstractScore):
    """Entropy of the detector's prediction: the paper's own form. Needs no outcome at the step, only classes."""

    @property
    def from_start(self) -> bool:
        return False

    def init(self, model: AbstractLongTermModel, sequence: AbstractSequence) -> None:
        return None

    def __call__(self, model: AbstractLongTermModel, state: None, window: Window, steps: Array, lead: int, *, key: Key):
        return None, jax.vmap(model.outcome.uncertainty)(model.detector(window.inputs, window.inside))


class Surprise(AbstractScore):
    """The detector's realised loss: -log d(y_k | x_k), or the squared error. One sample of what it expects."""

    @property
    def from_start(self) -> bool:
        return False

    def init(self, model: AbstractLongTermModel, sequence: AbstractSequence) -> None:
        return None

    def __call__(self, model: AbstractLongTermModel, state: None, window: Window, steps: Array, lead: int, *, key: Key):
        return None, _local(model, window, lead)


class HindsightScore(AbstractScore):
    """The loss of memory and predictor together, run over the whole sequence: the released code's form.

    At the start memory knows nothing and this is local uncertainty; what it has learned to predict leaves the
    top. Costs a pass of the recurrence over the sequence, where the local scores cost a product.
    """

    @property
    def from_start(self) -> bool:
        return True

    def init(self, model: AbstractLongTermModel, sequence: AbstractSequence) -> Any:
        return model.init()

    def __call__(self, model: AbstractLongTermModel, state: Any, window: Window, steps: Array, lead: int, *, key: Key):
        return _remembered(model, state, window, lead)


class AbstractExplained(AbstractScore):
    """What a memory has explained of what local context cannot, plus `curiosity` times the local part: before anything
    is explained, that alone decides. Memory is followed from the first step on."""

    curiosity: float = eqx.field(static=True, default=0.1)

    def __check_init__(self):
        if self.curiosity < 0:
            raise ValueError(f"{type(self).__name__}: curiosity must not be negative, got {self.curiosity}")

    @property
    def from_start(self) -> bool:
        return True

    def init(self, model: AbstractLongTermModel, sequence: AbstractSequence) -> Any:
        return model.init()


class ReducibleUncertainty(AbstractExplained):
    """What a memory has explained of what local context cannot: local minus full loss, plus `curiosity` times local.

    Outcomes that nobody can predict have the largest local uncertainty and would take all the places (MemUP
    sections 3.11.2 and 6, item 1); their difference is 0. At the start nothing is explained and the second term
    alone decides.

    Beware: the losses are those of what happened. Of two noisy steps the one wins whose outcome the memory guessed by
    luck, so that it is trained on outcomes that agree with it; `InformationGain` looks at no outcome.

    **Arguments:**

    - `curiosity`: weight of the local loss, not negative.

    **Raises:** `ValueError` where `curiosity < 0`.
    """

    def __call__(self, model: AbstractLongTermModel, state: Any, window: Window, steps: Array, lead: int, *, key: Key):
        local = _local(model, window, lead)
        state, full = _remembered(model, state, window, lead)
        return state, local - full + self.curiosity * local


@runtime_checkable
class PredictsOutcomes(Protocol):
    """A model whose prediction says how uncertain it is."""

    def predict(self, memory: PyTree[Array], inputs: PyTree[Array]) -> Float[Array, " outputs"]:
        """q(y_k | m_t, x_k).

        **Arguments:**

        - `memory`: m_t, without a time axis.
        - `inputs`: x_k.

        **Returns:** in the form that the model's `outcome` understands.
        """
        ...


class InformationGain(AbstractExplained):
    """How much less uncertain memory makes a step: H[d(y | x_k)] - H[q(y | m, x_k)], plus `curiosity` times the first.

    What `ReducibleUncertainty` is in expectation, as far as the model knows. No outcome enters, so that steps are not
    chosen by how they came out: a prediction that is too sure of noise has a high score, is trained on what happens,
    and loses it again. Needs entropies, and a model that predicts outcomes. Costs a pass of the recurrence.

    **Arguments:**

    - `curiosity`: weight of the local entropy, not negative.

    **Raises:** `ValueError` where `curiosity < 0`.
    """

    def __call__(self, model: AbstractLongTermModel, state: Any, window: Window, steps: Array, lead: int, *, key: Key):
        if not isinstance(model, PredictsOutcomes):
            raise ValueError(f"InformationGain: {type(model).__name__} predicts no outcome; take HindsightScore")
        local = jax.vmap(model.outcome.uncertainty)(model.detector(window.inputs, window.inside))
        inputs, inside = jax.tree.map(lambda leaf: leaf[lead:], (window.inputs, window.inside))
        state, memories = model.encode(state, inputs, inside)
        full = jax.vmap(model.outcome.uncertainty)(jax.vmap(model.predict)(memories, inputs))
        return state, (1 + self.curiosity) * local - full


class RandomScore(AbstractScore):
    """A random number: the control in which targets are chosen blindly."""

    @property
    def from_start(self) -> bool:
        return False

    def init(self, model: AbstractLongTermModel, sequence: AbstractSequence) -> None:
        return None

    def __call__(self, model: AbstractLongTermModel, state: None, window: Window, steps: Array, lead: int, *, key: Key):
        return None, jax.vmap(lambda step: jax.random.uniform(jax.random.fold_in(key, step)))(steps)


class OracleScore(AbstractScore):
    """1 at the steps that are known to need a memory, and no other ever becomes a target: the oracle.

    What a rule could do with a perfect detector, as the other control beside `RandomScore`. Where fewer of the steps
    lie ahead than targets are wanted, they are repeated; behind the last of them nothing is predicted from the memory.

    **Arguments:**

    - `queries`: from one sequence to these steps, as a task knows them: `OracleScore(task.queries)`.
    """

    queries: Callable[[AbstractSequence], Int[Array, " queries"]]

    @property
    def from_start(self) -> bool:
        return False

    def init(self, model: AbstractLongTermModel, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return self.queries(sequence)

    def __call__(
        self, model: AbstractLongTermModel, state: Array, window: Window, steps: Array, lead: int, *, key: Key
    ):
        asked = jnp.any(steps[:, None] == state[None, :], axis=1)
        return state, jnp.where(asked, 1.0, -jnp.inf)


def _local(model: AbstractLongTermModel, window: Window, lead: int) -> Float[Array, " steps"]:
    predictions = model.detector(window.inputs, window.inside)
    outcomes = jax.tree.map(lambda leaf: leaf[lead:], window.outcomes)
    return jax.vmap(model.outcome.loss)(predictions, outcomes)


def _remembered(
    model: AbstractLongTermModel, state: Any, window: Window, lead: int
) -> tuple[Any, Float[Array, " steps"]]:
    inputs, outcomes, inside = jax.tree.map(lambda leaf: leaf[lead:], (window.inputs, window.outcomes, window.inside))
    state, memories = model.encode(state, inputs, inside)
    return state, jax.vmap(model.surprise)(memories, inputs, outcomes)
