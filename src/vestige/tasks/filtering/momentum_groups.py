"""The momentum groups of the authors' programs (rbmish), by what a harmonium observes; nothing here imports JAX."""

from typing import Literal, NamedTuple, Protocol, runtime_checkable

Growth = Literal["exponential", "hyperbolic", "logistic"]


class MomentumGroups(NamedTuple):
    """Mass of each group of parameters of a recurrent harmonium, and how it grows.

    1 / mass is the first learning rate.
    """

    schedule: Growth = "exponential"
    """How the mass grows from epoch to epoch."""
    epoch: int | None = None
    """Updates of an epoch; None: a fiftieth of the run."""
    state_weights: float = 50.0
    """Of the weights from the previous state."""
    input_weights: float = 800.0
    """Of the weights from the observation."""
    state_bias: float = 12.0
    input_bias: float = 200.0
    hidden_bias: float = 200.0
    upper: float = 50.0
    """Of weights and biases between two layers of hidden bits, in a model that has several."""


POPULATION = MomentumGroups()
PLANE = MomentumGroups("logistic", input_weights=500.0, input_bias=120.0, hidden_bias=120.0)
FILMS = MomentumGroups("hyperbolic", state_bias=50.0, input_weights=50.0, input_bias=50.0, hidden_bias=50.0)
MOTION = MomentumGroups(state_weights=16.0, input_weights=100.0, state_bias=8.0, input_bias=50.0, hidden_bias=50.0)
NOTES = MomentumGroups(state_weights=100.0, input_weights=100.0, state_bias=50.0, input_bias=50.0, hidden_bias=50.0)
LETTERS = MomentumGroups("hyperbolic", 4000, 100.0, 100.0, 100.0, 100.0, 100.0)


@runtime_checkable
class HasMomentumGroups(Protocol):
    """A task that knows with which momentum groups a recurrent harmonium learns its observations."""

    @property
    def momentum_groups(self) -> MomentumGroups:
        """Those of what is observed."""
        ...
