"""The optimisers of all kinds of experiment, as options."""

import abc
import dataclasses
from typing import Any, Literal

from vestige.experiments.checks import at_least, positive


@dataclasses.dataclass(frozen=True)
class AbstractScheduled(abc.ABC):
    """An optimiser with an optional warm-up and decay of its learning rate."""

    rate: float = 1e-3
    """Peak learning rate."""
    decay: Literal["cosine", "constant", "tenth"] = "cosine"
    """cosine: to 1 % of the peak at the last update. tenth: a tenth of the peak for the last 40 % of the updates."""
    warmup: int = 500
    """Updates over which the rate rises from zero."""

    def __post_init__(self):
        positive(self, "rate")
        at_least(self, 0, "warmup")

    @abc.abstractmethod
    def build(self, steps: int) -> Any:
        """The optax transformation for a run of `steps` updates."""

    def schedule(self, steps: int) -> Any:
        """The learning rate by update, as optax takes it."""
        import optax

        after = max(steps - self.warmup, 1)
        schedules = {
            "cosine": optax.cosine_decay_schedule(self.rate, after, alpha=0.01),
            "constant": optax.constant_schedule(self.rate),
            "tenth": optax.piecewise_constant_schedule(self.rate, {round(0.6 * after): 0.1}),
        }
        schedule = schedules[self.decay]
        if self.warmup:
            rise = optax.linear_schedule(0.0, self.rate, self.warmup)
            schedule = optax.join_schedules([rise, schedule], [self.warmup])
        return schedule


@dataclasses.dataclass(frozen=True)
class Adam(AbstractScheduled):
    """Adam, with an optional warm-up and decay of the learning rate."""

    def build(self, steps: int) -> Any:
        import optax

        return optax.adam(self.schedule(steps))


@dataclasses.dataclass(frozen=True)
class Muon(AbstractScheduled):
    """Momentum whose update of each matrix is made orthogonal; Adam, with Nesterov's momentum, for all else.

    Every direction of a matrix moves at the same pace, also those in which the gradient is small. The update has about
    the size of Adam's (a root mean square of 0.2), so that rates are alike.
    """

    rate: float = 7e-3
    """Peak learning rate."""
    warmup: int = 100
    """Updates over which the rate rises from zero."""

    def build(self, steps: int) -> Any:
        import optax

        return optax.contrib.muon(self.schedule(steps), consistent_rms=0.2)


@dataclasses.dataclass(frozen=True)
class MassSpringDamper:
    """Momentum whose mass grows from epoch to epoch, with masses by parameter: the authors' optimiser of harmoniums."""

    schedule: Literal["exponential", "hyperbolic", "logistic"] = "exponential"
    """How the mass grows."""
    epoch: int | None = None
    """Updates of an epoch; None: a fiftieth of the run."""
    state_weights: float = 50.0
    """Mass of the weights from the previous state; 1 / mass is the first learning rate."""
    input_weights: float = 800.0
    """Mass of the weights from the observation."""
    state_bias: float = 12.0
    input_bias: float = 200.0
    hidden_bias: float = 200.0
    upper: float = 50.0
    """Mass of weights and biases between two layers of hidden bits, in a model that has several."""

    def __post_init__(self):
        at_least(self, 1, "epoch")
        positive(self, *self._masses())

    def _masses(self) -> tuple[str, ...]:
        return tuple(f.name for f in dataclasses.fields(self) if f.name not in ("schedule", "epoch"))

    def build(self, steps: int) -> Any:
        """The optax transformation for a run of `steps` updates of a recurrent harmonium."""
        import equinox as eqx
        import jax
        import jax.numpy as jnp

        from vestige.models.harmonium import DeepHarmonium, RecurrentHarmonium
        from vestige.training.damped import mass_spring_damper

        epoch = max(1, steps // 50) if self.epoch is None else self.epoch
        epochs = max(1, steps // epoch)

        def at(count: Any) -> Any:
            return 1.0 + count // epoch  # the number of the epoch, from 1

        def exponential(count: Any) -> Any:
            return 1.1 ** at(count)

        def hyperbolic(count: Any) -> Any:
            return 1.0 / (1.0 - (at(count) - 1.0) / epochs)

        def logistic(count: Any) -> Any:
            return 0.5 + 1000.0 / (1.0 + jnp.exp(7.5 - at(count) / 8.0))

        schedules = {
            "exponential": (exponential, lambda c: 0.98 - 0.5 / exponential(c), lambda c: 2e-6 / exponential(c)),
            "hyperbolic": (hyperbolic, lambda c: 0.9 + 0.0 * c, lambda c: 0.0 * c),
            "logistic": (logistic, lambda c: 0.98 - 0.5 / logistic(c), lambda c: 0.0 * c),
        }
        growth, momentum, decay = schedules[self.schedule]

        def masses(parameters: Any) -> Any:
            if isinstance(parameters, DeepHarmonium):
                heavy = jax.tree.map(lambda _: self.upper, parameters)
                lowest = lambda m: [m.below[0].weights, m.below[0].visible_bias, m.below[0].hidden_bias]
                recurrent = lambda m: [m.top.state_weights, m.top.state_bias]
                of_data = [self.input_weights, self.input_bias, self.hidden_bias]
                heavy = eqx.tree_at(lowest, heavy, of_data)
                return eqx.tree_at(recurrent, heavy, [self.state_weights, self.state_bias])
            if not isinstance(parameters, RecurrentHarmonium):
                raise ValueError(
                    "optimiser: the mass-spring-damper is one for recurrent harmoniums, got "
                    f"{type(parameters).__name__}; take Adam"
                )
            own = ("state_weights", "input_weights", "state_bias", "input_bias", "hidden_bias")
            where = lambda model: [getattr(model, name) for name in own]
            return eqx.tree_at(where, parameters, [getattr(self, name) for name in own])

        stiffness = 0.1 if self.schedule == "logistic" else 0.0
        return mass_spring_damper(masses, growth=growth, momentum=momentum, decay=decay, stiffness=stiffness)
