"""The local objectives and the model of the whole sequence that they belong to (check 5 of the notes)."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from tests.models.harmonium.enumeration import log_sum, states
from tests.models.harmonium.test_harmonium import recurrent
from vestige.models.families import Bernoulli

HIDDEN, TIME = 2, 3


def test_local_bounds_add_up_to_the_global_one_but_for_the_priors(key):
    """sum_t ELBO_t - sum_{t<T} E[log q(h_t)] is the bound of the reverse-time chain, and below log q(h_0, y_{1:3}).

    Everything by enumeration of h_1 … h_3; the model's own conditionals are recognition and generation.
    """
    with jax.enable_x64(True):
        model = recurrent(key, hidden=HIDDEN, family=Bernoulli(1))
        joint = model.joint()
        hidden = [jnp.asarray(h) for h in states(HIDDEN)]
        ys = [jnp.asarray([y]) for y in (1.0, 0.0, 1.0)]
        bernoulli = Bernoulli(HIDDEN).log_prob
        prior = jax.jit(lambda h: bernoulli(0.3 * model.hidden_bias, h))  # any law of h will do
        up = jax.jit(lambda h, u, y: bernoulli(joint.logits((u, y)), h))

        @jax.jit
        def down(h, u, y):
            natural = joint.natural(h)
            return jnp.dot(natural, joint.family.statistics((u, y))) - joint.family.log_partition(natural)

        start = jnp.zeros(HIDDEN)

        whole, local, excess, total = 0.0, 0.0, 0.0, []
        for path in itertools.product(hidden, repeat=TIME):
            chain = [start, *path]
            steps = [(chain[t + 1], chain[t], ys[t]) for t in range(TIME)]
            recognised = sum(float(up(*step)) for step in steps)
            generated = float(prior(chain[-1])) + sum(float(down(*step)) for step in steps)
            share = np.exp(recognised)
            whole += share * (generated - recognised)
            local += share * sum(float(prior(s[0])) + float(down(*s)) - float(up(*s)) for s in steps)
            excess += share * sum(float(prior(h)) for h in path[:-1])
            total.append(generated)
        np.testing.assert_allclose(whole, local - excess, atol=1e-12)
        assert whole <= log_sum(np.array(total))
