"""Rankings of a few items: their log-rates by NUTS, and by a Gibbs sampler that fills in the arrival times."""

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.infer import MCMC, NUTS

from vestige.structures import Permutation
from vestige.structures.as_numpyro import TraceDistribution

ITEMS, SHAPE = 5, 2.0  # rates are Gamma(SHAPE, SHAPE) a priori
truth = jnp.array([1.2, 0.6, 0.0, -0.6, -1.2])
rankings = TraceDistribution(Permutation(truth)).sample(jax.random.key(0), (40,))


# --8<-- [start:nuts]
def model(rankings):
    rates = numpyro.sample("rates", dist.Gamma(SHAPE, SHAPE).expand((ITEMS,)).to_event(1))
    with numpyro.plate("judges", rankings.shape[0]):
        numpyro.sample("ranking", TraceDistribution(Permutation(jnp.log(rates))), obs=rankings)


# --8<-- [end:nuts]


# --8<-- [start:gibbs]
def gibbs(rates, key):
    """Times given rankings and rates, then rates given times: a conjugate pair. The total rate, of which rankings
    say nothing, comes from its prior (Caron & Doucet 2012)."""
    key_times, key_rates, key_total = jax.random.split(key, 3)
    structure = Permutation(jnp.log(rates))
    keys = jax.random.split(key_times, rankings.shape[0])
    times = jax.vmap(lambda r, k: jnp.exp(structure.posterior(structure.trace(r), key=k)))(rankings, keys)
    gamma = jax.random.gamma(key_rates, SHAPE + rankings.shape[0], (ITEMS,))
    rates = gamma / (SHAPE + jnp.sum(times, axis=0))
    rates = rates / jnp.sum(rates) * jax.random.gamma(key_total, SHAPE * ITEMS) / SHAPE
    return rates, rates


# --8<-- [end:gibbs]


def show(name, log_rates):
    """Up to a constant: rankings do not tell it."""
    centred = log_rates - jnp.mean(log_rates, axis=-1, keepdims=True)
    mean, sd = jnp.atleast_2d(centred).mean(axis=0), jnp.atleast_2d(centred).std(axis=0)
    print(f"{name:>6}:", "  ".join(f"{m:5.2f} ± {s:.2f}" for m, s in zip(mean, sd, strict=True)))


mcmc = MCMC(NUTS(model), num_warmup=200, num_samples=800, progress_bar=False)
mcmc.run(jax.random.key(1), rankings)
_, drawn = jax.jit(lambda keys: jax.lax.scan(gibbs, jnp.ones(ITEMS), keys))(jax.random.split(jax.random.key(2), 4000))

show("true", truth)
show("NUTS", jnp.log(mcmc.get_samples()["rates"]))
show("Gibbs", jnp.log(drawn[200:]))
