"""The mass-spring-damper as the authors of the recurrent harmoniums use it: masses by group, growing by epochs."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.models.harmonium import DeepHarmonium, RecurrentHarmonium
from vestige.tasks.filtering.momentum_groups import MomentumGroups
from vestige.training.damped import mass_spring_damper

GROUPS = ("state_weights", "input_weights", "state_bias", "input_bias", "hidden_bias")
STIFFNESS = 0.1  # of the spring, under the logistic schedule


def harmonium_momentum(groups: MomentumGroups, steps: int) -> optax.GradientTransformation:
    """The optimiser of a recurrent harmonium for a run of `steps` updates. (rbmish; the notes' 3.2.3.)

    The gradient transformation's update raises `ValueError` for the parameters of any other model.

    **Arguments:**

    - `groups`: coefficients of the parameters, and the schedule.
    - `steps`: updates of the run.
    """
    epoch = max(1, steps // 50) if groups.epoch is None else groups.epoch
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
    growth, momentum, decay = schedules[groups.schedule]
    stiffness = STIFFNESS if groups.schedule == "logistic" else 0.0

    def masses(parameters: Any) -> Any:
        return masses_of(parameters, groups)

    return mass_spring_damper(masses, growth=growth, momentum=momentum, decay=decay, stiffness=stiffness)


def masses_of(parameters: Any, groups: MomentumGroups) -> Any:
    """A mass for every parameter of a recurrent harmonium, or of a stack with one on top.

    **Arguments:**

    - `parameters`: the model's.
    - `groups`: the coefficients.

    **Raises:** `ValueError` for another model.
    """
    if isinstance(parameters, DeepHarmonium):
        heavy = jax.tree.map(lambda _: groups.upper, parameters)
        lowest = lambda m: [m.below[0].weights, m.below[0].visible_bias, m.below[0].hidden_bias]
        recurrent = lambda m: [m.top.state_weights, m.top.state_bias]
        of_data = [groups.input_weights, groups.input_bias, groups.hidden_bias]
        heavy = eqx.tree_at(lowest, heavy, of_data)
        return eqx.tree_at(recurrent, heavy, [groups.state_weights, groups.state_bias])
    if not isinstance(parameters, RecurrentHarmonium):
        raise ValueError(
            "optimiser: the mass-spring-damper is one for recurrent harmoniums, got "
            f"{type(parameters).__name__}; take --optimiser adam"
        )
    where = lambda model: [getattr(model, name) for name in GROUPS]
    return eqx.tree_at(where, parameters, [getattr(groups, name) for name in GROUPS])
