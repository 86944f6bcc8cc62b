"""The recurrent variational autoencoder: one set of nets under every reading of a step."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families import AbstractFamily, Factorises, InPart
from vestige.models.filters.contract import AbstractFilter, replaced
from vestige.models.filters.latents import AbstractLatent, Numbers
from vestige.typing import Key

DRAWS = 64  # importance samples behind a predictive likelihood
CANDIDATES = 8  # of them behind a completed step


class RecurrentVAE(AbstractFilter):
    """h_t ~ r(h | u_t, y_t), whose mean follows from the state: x_t = keep u_t + (1 - keep) tanh(net(u_t, y_t)).

    Every unit keeps a learned share of what it held, at the start with time constants spread evenly on a log scale, so
    that an untrained state already says what was there a while ago. It stays within (-1, 1): a unit's capacity is
    bounded, whatever is gained by telling states well.

    Encoder and decoder have one hidden layer. The decoder has a head for the observation, one for the previous state
    (the joint target) and one for observations to come (multi-step prediction); a prior net h | u serves the transition
    target. A head that a rule does not read gets no gradient.

    Where a single value is missing, the encoder sees what the model expected there. Densities are of the values that
    are there, which takes nothing away from a bound: whatever the encoder makes of them, it bounds log q of these.

    A reconstruction: the architecture of Abdulsalam & Makin 2023 is not known. (The notes' 3.3.)

    **Arguments:**

    - `family`: of the observation; the decoder puts out as many numbers as it has parameters.
    - `hidden`: k, numbers in the state, at least 2.
    - `latent`: what h is made of, `Numbers(hidden, floor)` or `Bits(hidden, estimator)`; by default the former.
    - `width`: units of every hidden layer.
    - `weight`: of the state head's term, λ_u; 1 makes the bound one of log q(u, y).
    - `lags`: steps ahead that the multi-step head predicts, rising from 1 on.
    - `longest`: the longest time constant at the start, in steps.

    **Raises:** `ValueError` for sizes, weights and lags that make no sense.
    """

    encoder: eqx.nn.MLP
    keep: Float[Array, " hidden"]
    """Logits of the shares that are kept."""
    trunk: eqx.nn.Linear
    observation: eqx.nn.Linear
    state: Callable[[Float[Array, " width"]], Any]
    """The head for the previous state."""
    future: eqx.nn.Linear
    prior: eqx.nn.MLP
    latent: AbstractLatent
    family: AbstractFamily
    hidden: int = eqx.field(static=True)
    weight: float = eqx.field(static=True)
    lags: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        family: AbstractFamily,
        hidden: int,
        *,
        latent: AbstractLatent | None = None,
        width: int = 128,
        weight: float = 1.0,
        lags: tuple[int, ...] = (),
        longest: float = 64.0,
        key: Key,
    ):
        if hidden < 2 or width < 1:
            raise ValueError(f"RecurrentVAE: hidden must be at least 2 and width at least 1, got {hidden} and {width}")
        if weight < 0:
            raise ValueError(f"RecurrentVAE: weight must not be negative, got {weight}")
        if longest < 1:
            raise ValueError(f"RecurrentVAE: longest must be at least 1, got {longest}")
        if list(lags) != sorted(set(lags)) or (lags and lags[0] < 1):
            raise ValueError(f"RecurrentVAE: lags must rise from 1 on, got {lags}")
        latent = Numbers(hidden) if latent is None else latent
        keys = jax.random.split(key, 6)
        self.encoder = eqx.nn.MLP(hidden + family.size, latent.numbers * hidden, width, 1, jnp.tanh, key=keys[0])
        self.keep = _logit(jnp.exp(-1 / jnp.geomspace(1.0, longest, hidden)))
        self.trunk = eqx.nn.Linear(hidden, width, key=keys[1])
        self.observation = eqx.nn.Linear(width, family.num_parameters, key=keys[2])
        self.state = latent.head(width, hidden, key=keys[3])
        self.future = eqx.nn.Linear(width, max(len(lags), 1) * family.num_parameters, key=keys[4])
        self.prior = eqx.nn.MLP(hidden, latent.numbers * hidden, width, 1, jnp.tanh, key=keys[5])
        self.latent, self.family, self.hidden, self.weight, self.lags = latent, family, hidden, weight, lags

    @property
    def in_part(self) -> bool:
        """As the family says."""
        return isinstance(self.family, InPart)

    def seeing_parts(self) -> "RecurrentVAE | None":
        if self.in_part:
            return self
        if not isinstance(self.family, Factorises):
            return None
        return replaced(self, family=InPart(self.family))

    def init(self) -> Float[Array, " hidden"]:
        return jnp.zeros(self.hidden)

    def recognise(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Any:
        """The law r(h | u, y)."""
        return self.latent.recognised(*self._encoded(state, observation))

    def advance(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        return self._encoded(state, observation)[0]

    def _encoded(self, state: Array, observation: Array) -> tuple[Array, Array]:
        """x_t, and what else the encoder gives. It sees its own prediction of what is missing in part."""
        if self.in_part:
            expected = jax.lax.stop_gradient(self.expected(state))
            observation = jnp.where(jnp.isnan(observation), expected, observation)
        outputs = self.encoder(jnp.concatenate([state, self.family.encoder_input(observation)]))
        candidate, rest = outputs[: self.hidden], outputs[self.hidden :]
        keep = jax.nn.sigmoid(self.keep)
        return keep * state + (1 - keep) * jnp.tanh(candidate), rest

    def joint(self) -> "PairDensity":
        return PairDensity(self)

    def given(self, state: Float[Array, " hidden"]) -> "TransitionDensity":
        return TransitionDensity(self, state)

    def features(self, state: Float[Array, " hidden"]) -> Float[Array, " features"]:
        """The state and what the decoder's hidden layer makes of it: the code is not linear in what it stands for."""
        return jnp.concatenate([state, self.hidden_layer(self.latent.mean(state))])

    def reconstruct(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        """At the mean of h that goes with the state."""
        return self.family.mean(self.observation(self.hidden_layer(self.latent.mean(state))))

    def predict(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """The mean over draws of the prior given the state."""
        prior = self.before(state)
        keys = jax.random.split(key, DRAWS)
        draws = jax.vmap(lambda k: prior.draw(key=k))(keys)
        return jnp.mean(jax.vmap(lambda h: self.family.mean(self.observation(self.hidden_layer(h))))(draws), axis=0)

    def draw(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """By way of h, drawn from the prior given the state."""
        key_latent, key_observation = jax.random.split(key)
        latent = self.before(state).draw(key=key_latent)
        return self.family.draw(self.observation(self.hidden_layer(latent)), key=key_observation)

    def completed(
        self, state: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> tuple[Array, Float[Array, ""]]:
        """By way of h: one of 8 draws from the encoder, which sees what the model expects of what is missing, chosen by
        their weights, whose mean is that of the sample; from the prior where nothing is there."""
        model = self if self.in_part else self.seeing_parts()
        assert model is not None
        key_latent, key_choice, key_observation = jax.random.split(key, 3)
        there = ~jnp.isnan(observation)
        recognised, prior = model.recognise(state, observation), model.before(state)

        def weighed(key: Key) -> tuple[Array, Float[Array, ""]]:
            latent = jnp.where(jnp.any(there), recognised.draw(key=key), prior.draw(key=key))
            likelihood = model.family.log_prob(model.observation(model.hidden_layer(latent)), observation)
            return latent, likelihood + prior.log_prob(latent) - recognised.log_prob(latent)

        latents, weights = jax.vmap(weighed)(jax.random.split(key_latent, CANDIDATES))
        weights = jnp.where(jnp.any(there), weights, jnp.zeros_like(weights))
        latent = latents[jax.random.categorical(key_choice, weights)]
        drawn = model.family.draw(model.observation(model.hidden_layer(latent)), key=key_observation)
        mean = jax.nn.logsumexp(weights) - jnp.log(jnp.asarray(CANDIDATES, weights.dtype))
        return jnp.where(there, observation, drawn), mean

    def log_predictive(
        self, previous: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> Float[Array, ""]:
        """Of the transition target, by importance sampling from the encoder: low on average."""
        density = self.given(previous)
        weights = jax.vmap(lambda k: density.weight(observation, key=k))(jax.random.split(key, DRAWS))
        return jax.nn.logsumexp(weights) - jnp.log(jnp.asarray(DRAWS, weights.dtype))

    def expected(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        """About E[y_{t+1} | x_t]: at the mean of the prior, without sampling."""
        return self.family.mean(self.observation(self.hidden_layer(self.before(state).mean)))

    def hidden_layer(self, latent: Float[Array, " hidden"]) -> Float[Array, " width"]:
        """Of the decoder, which all heads read."""
        return jnp.tanh(self.trunk(latent))

    def before(self, state: Float[Array, " hidden"]) -> Any:
        """The law q(h_t | x_{t-1}) of the transition target."""
        return self.latent.law(self.prior(state))

    def log_likelihood(
        self, trunk: Float[Array, " width"], observation: Float[Array, " observed"], future: list[Array]
    ) -> Array:
        """log q(y | h), and that of what is to come, if anything is given."""
        now = self.family.log_prob(self.observation(trunk), observation)
        return now + self.future_log_likelihood(trunk, future[0]) if future else now

    def future_log_likelihood(
        self, trunk: Float[Array, " width"], future: Float[Array, "lags observed"]
    ) -> Float[Array, ""]:
        """log-probability of observations to come; one that is missing (NaN) or infinite counts
        for nothing."""
        naturals = self.future(trunk).reshape(-1, self.family.num_parameters)
        finite = jnp.isfinite(future)
        there = jnp.any(finite, axis=1) if self.in_part else jnp.all(finite, axis=1)
        known = jnp.where(there[:, None], future, 0.0)
        return jnp.sum(jnp.where(there, jax.vmap(self.family.log_prob)(naturals, known), 0.0))


class PairDensity(eqx.Module):
    """log q(u, y), and with lags of what is to come as well, as far as it follows from (u, y)."""

    model: RecurrentVAE

    def bound(self, value: tuple[Array, ...], *, key: Key) -> Float[Array, ""]:
        """E_r[log q(y | h) + λ_u log q(u | h) (+ log q(future | h))] - KL(r ‖ q(h)), estimated."""
        model = self.model
        previous, observation, *future = value
        recognised = model.recognise(previous, observation)

        def integrand(latent: Array) -> Array:
            trunk = model.hidden_layer(latent)
            state = model.weight * model.state(trunk).log_prob(previous)
            return model.log_likelihood(trunk, observation, future) + state

        prior = model.latent.marginal(model.hidden)
        return model.latent.expect(integrand, recognised, key=key) - recognised.kl(prior)


class TransitionDensity(eqx.Module):
    """log q(y | u), and with lags of what is to come as well."""

    model: RecurrentVAE
    state: Float[Array, " hidden"]

    def bound(self, value: Array | tuple[Array, Array], *, key: Key) -> Float[Array, ""]:
        """E_r[log q(y | h) (+ log q(future | h))] - KL(r ‖ q(h | u)), estimated."""
        model = self.model
        observation, *future = value if isinstance(value, tuple) else (value,)
        recognised = model.recognise(self.state, observation)

        def integrand(latent: Array) -> Array:
            return model.log_likelihood(model.hidden_layer(latent), observation, future)

        return model.latent.expect(integrand, recognised, key=key) - recognised.kl(model.before(self.state))

    def weight(self, observation: Float[Array, " observed"], *, key: Key) -> Float[Array, ""]:
        """log q(y, h | u) - log r(h | u, y) of one draw of h: the mean of its exponential is q(y | u)."""
        recognised = self.model.recognise(self.state, observation)
        latent = recognised.draw(key=key)
        likelihood = self.model.family.log_prob(self.model.observation(self.model.hidden_layer(latent)), observation)
        return likelihood + self.model.before(self.state).log_prob(latent) - recognised.log_prob(latent)


def _logit(share: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
    return jnp.log(share) - jnp.log1p(-share)
