"""A model: an autoregression of order one, fitted by maximum likelihood."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp

import vestige
from vestige.models import ModelSpec
from vestige.tasks.filtering.unrolling import unroll


class Autoregression(eqx.Module):
    """q(y_t | y_{t-1}), whose parameters are linear in y_{t-1}. The state is the last observation that was made."""

    linear: eqx.nn.Linear
    family: eqx.Module

    def init(self):
        return jnp.zeros(self.family.size)

    def filter(self, state, observation):
        return jnp.where(jnp.all(jnp.isfinite(observation)), observation, state)

    def features(self, state):
        return state

    reconstruct = features

    def predict(self, state, *, key):
        return self.family.mean(self.linear(self.family.encoder_input(state)))

    def log_predictive(self, previous, observation, *, key):
        return self.family.log_prob(self.linear(self.family.encoder_input(previous)), observation)


def log_likelihood(model, example, *, key):
    """log q of one sequence, nats: the sum over the steps that were observed."""

    def term(before, y, after, key):
        there = jnp.all(jnp.isfinite(y))
        return jnp.where(there, model.log_predictive(before, jnp.where(there, y, 0.0), key=key), 0.0)

    value = jnp.sum(unroll(model, example.inputs, term, key=key))
    return value, {"nll": -value}


@dataclasses.dataclass(frozen=True)
class AutoregressionSpec(ModelSpec):
    """An autoregression of order one."""

    needs, provides, subject = "observations", frozenset({"objective"}), "an autoregression"
    default_rule, default_optimiser = {"name": "gradient"}, {"name": "adam", "rate": 1e-2}
    objective = staticmethod(lambda task: log_likelihood)

    def build(self, task, *, key):
        return Autoregression(eqx.nn.Linear(task.family.size, task.family.num_parameters, key=key), task.family)


vestige.register("model", "autoregression", AutoregressionSpec)
