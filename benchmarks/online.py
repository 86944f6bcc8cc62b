"""One stream, learned as it comes, and electrodes that slip half-way.

    python benchmarks/online.py [--steps 1000000] [--rule foresight] [--chunk 20] [--rate 5e-4]

Something moves on a ring and is seen through noisy spikes, as in `ring-tracking`; every 1,000 steps it is moved
elsewhere, which nobody tells the filter, whose state goes on. After half of the steps every neuron's spikes arrive at
another place. There is one stream, every step is seen once, an update is made every `--chunk` steps, and nothing is
kept but the state. Judged on held-out sequences before and after the change. Memory is the peak of the process's
resident set.
"""

import argparse
import resource
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.models.filters import RecurrentVAE
from vestige.rules import ELBO, JointTarget, MultiStepTarget, TemporallyLocal, TransitionTarget
from vestige.tasks.filtering import OnCircle, PopulationCode, RingTracking, oscillator, unroll
from vestige.tasks.evaluation import evaluate

WINDOW = 1000  # steps after which it is moved
LAGS = (1, 2, 4, 8, 16)
RULES = {
    "foresight": MultiStepTarget(LAGS, TransitionTarget()),
    "transition": TransitionTarget(),
    "local": JointTarget(),
}


class Slipped(PopulationCode):
    """The same neurons, whose counts arrive in another order: neuron i is seen in place 4 i, round the population."""

    def observe(self, stimulus, *, key):
        return super().observe(stimulus, key=key)[self._order]

    def decode(self, observation):
        return super().decode(observation[jnp.argsort(self._order)])

    @property
    def _order(self):
        return (4 * jnp.arange(self.neurons)) % self.neurons


def world(sensor):
    return RingTracking(oscillator(), (sensor,), OnCircle(sensor.period), length=WINDOW)


@eqx.filter_jit(donate="all-except-first")
def learned(constant, model, state, moments, keys):
    """Go through as many windows as there are keys."""
    task, rule, optimiser = constant
    arrays, static = eqx.partition(model, eqx.is_array)

    def chunk(loop, now):
        arrays, state, moments = loop
        observations, key = now
        model = eqx.combine(arrays, static)
        found = rule.learn(model, state, observations[None], key=key)
        changes, moments = optimiser.update(found.grads, moments, eqx.filter(model, eqx.is_inexact_array))
        return (eqx.filter(eqx.apply_updates(model, changes), eqx.is_array), found.states, moments), None

    def window(loop, key):
        key_data, key_rule = jax.random.split(key)
        seen = task.batch(size=1, key=key_data).inputs.inputs[0]
        seen = jnp.concatenate([seen, jnp.full((rule.target.ahead, seen.shape[1]), jnp.nan)])
        starts = jnp.arange(WINDOW // rule.update_interval) * rule.update_interval
        upcoming = seen[starts[:, None] + jnp.arange(rule.update_interval + rule.target.ahead)[None]]
        return jax.lax.scan(chunk, loop, (upcoming, jax.random.split(key_rule, starts.shape[0])))[0], None

    arrays, state, moments = jax.lax.scan(window, (arrays, state, moments), keys)[0]
    return eqx.combine(arrays, static), state, moments


@eqx.filter_jit
def predicted(task, model, key):
    """Nats a step of what comes next, of held-out sequences; nothing is fitted to say so."""

    def one(key):
        key_sequence, key_model = jax.random.split(key)
        read_out = lambda before, seen, after, key: model.log_predictive(before, seen, key=key)
        return jnp.mean(unroll(model, task.sequence(key=key_sequence), read_out, key=key_model))

    return jnp.mean(jax.vmap(one)(jax.random.split(key, 10)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--rule", choices=sorted(RULES), default="foresight")
    parser.add_argument("--chunk", type=int, default=20)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if WINDOW % options.chunk:
        parser.error(f"--chunk must divide {WINDOW}, got {options.chunk}")
    before, after = world(PopulationCode()), world(Slipped())
    key_model, key_data, key_judge = jax.random.split(jax.random.key(options.seed), 3)
    model = RecurrentVAE(before.family, 32, lags=LAGS, key=key_model)
    rule = TemporallyLocal(ELBO(), RULES[options.rule], options.chunk, clip=5.0)
    optimiser = optax.adam(options.rate)
    moments, state = optimiser.init(eqx.filter(model, eqx.is_inexact_array)), model.init()[None]
    half = options.steps // 2 // WINDOW
    stops = sorted({half * part // 10 for part in (0, 1, 5, 10, 11, 12, 15, 20)})
    print("nats a step, error / Kalman and R² of the velocity, before the change and after it; steps/s, peak memory")
    begun, done = time.perf_counter(), 0
    for stop in stops:
        task = before if stop <= half else after
        if stop > done:
            begun = time.perf_counter()
            keys = jax.random.split(jax.random.fold_in(key_data, stop), stop - done)
            model, state, moments = learned((task, rule, optimiser), model, state, moments, keys)
            jax.block_until_ready(state)
        pace = (stop - done) * WINDOW / (time.perf_counter() - begun)
        done = stop
        judged = []
        for judge in (before, after):
            metrics = evaluate(judge, model, 40, key=key_judge)
            nats = float(predicted(judge, model, key_judge))
            judged.append(f"{nats:7.2f} {float(metrics['mse_ratio']):5.2f} {float(metrics['velocity_r2']):6.3f}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seen = "before" if task is before else "after"
        print(f"{stop * WINDOW:11,}  {seen:6}  {'   '.join(judged)}   {pace:7,.0f}   {peak:,.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
