"""The recurrent variational autoencoder: one set of nets under every reading of a step."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families import AbstractFamily
from vestige.models.filters.contract import AbstractFilter
from vestige.numerics import DiagonalGaussian, soft_clamp
from vestige.typing import Key

LOG_SCALES = (-4.0, 1.5)  # of encoder and prior: variances from e^-8 to e^3
START_GAIN = 0.7  # the mean of h is at first twice the state
DRAWS = 64  # importance samples behind a predictive likelihood


class StateHead(eqx.Module):
    """q(u | h): the previous state, every unit by itself, with a learned standard deviation above a floor.

    The floor is what keeps the head from being paid without limit for states that it has made predictable itself.
    """

    net: eqx.nn.Linear
    raw_scale: Float[Array, " hidden"]
    floor: float = eqx.field(static=True)

    def __call__(self, trunk: Float[Array, " width"]) -> DiagonalGaussian:
        scale = self.floor + jax.nn.softplus(self.raw_scale)
        return DiagonalGaussian(self.net(trunk), jnp.log(scale))


class RecurrentVAE(AbstractFilter):
    """h_t ~ r(h | u_t, y_t), whose mean is a multiple of the state: x_t = keep u_t + (1 - keep) tanh(net(u_t, y_t)).

    Every unit keeps a learned share of what it held, at the start with time constants spread evenly on a log scale, so
    that an untrained state already says what was there a while ago. It stays within (-1, 1): a unit's capacity is
    bounded, whatever is gained by telling states well.

    Encoder and decoder have one hidden layer. The decoder has a head for the observation, one for the previous state
    (the joint reading) and one for observations to come (foresight); a prior net h | u serves the transition reading.
    A head that a rule does not read gets no gradient.

    A reconstruction: the architecture of Abdulsalam & Makin 2023 is not known. (The notes' 3.3.)

    **Arguments:**

    - `family`: of the observation.
    - `hidden`: k, numbers in the state, at least 2.
    - `width`: units of every hidden layer.
    - `floor`: least standard deviation of the state head.
    - `weight`: of the state head's term, λ_u; 1 makes the bound one of log q(u, y).
    - `lags`: steps ahead that the foresight head tells, rising from 1 on.
    - `longest`: the longest time constant at the start, in steps.

    **Raises:** `ValueError` for sizes, floors and lags that make no sense.
    """

    encoder: eqx.nn.MLP
    keep: Float[Array, " hidden"]
    """Logits of the shares that are kept."""
    log_gain: Float[Array, " hidden"]
    trunk: eqx.nn.Linear
    observation: eqx.nn.Linear
    state: StateHead
    future: eqx.nn.Linear
    prior: eqx.nn.MLP
    family: AbstractFamily
    hidden: int = eqx.field(static=True)
    weight: float = eqx.field(static=True)
    lags: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        family: AbstractFamily,
        hidden: int,
        *,
        width: int = 128,
        floor: float = 0.1,
        weight: float = 1.0,
        lags: tuple[int, ...] = (),
        longest: float = 64.0,
        key: Key,
    ):
        if hidden < 2 or width < 1:
            raise ValueError(f"RecurrentVAE: hidden must be at least 2 and width at least 1, got {hidden} and {width}")
        if floor <= 0 or weight < 0:
            raise ValueError(f"RecurrentVAE: floor must be positive and weight not negative, got {floor} and {weight}")
        if longest < 1:
            raise ValueError(f"RecurrentVAE: longest must be at least 1, got {longest}")
        if list(lags) != sorted(set(lags)) or (lags and lags[0] < 1):
            raise ValueError(f"RecurrentVAE: lags must rise from 1 on, got {lags}")
        keys = jax.random.split(key, 6)
        self.encoder = eqx.nn.MLP(hidden + family.size, 2 * hidden, width, 1, jnp.tanh, key=keys[0])
        self.keep = _logit(jnp.exp(-1 / jnp.geomspace(1.0, longest, hidden)))
        self.log_gain = jnp.full(hidden, START_GAIN)
        self.trunk = eqx.nn.Linear(hidden, width, key=keys[1])
        self.observation = eqx.nn.Linear(width, family.naturals, key=keys[2])
        self.state = StateHead(eqx.nn.Linear(width, hidden, key=keys[3]), jnp.zeros(hidden), floor)
        self.future = eqx.nn.Linear(width, max(len(lags), 1) * family.naturals, key=keys[4])
        self.prior = eqx.nn.MLP(hidden, 2 * hidden, width, 1, jnp.tanh, key=keys[5])
        self.family, self.hidden, self.weight, self.lags = family, hidden, weight, lags

    def init(self) -> Float[Array, " hidden"]:
        return jnp.zeros(self.hidden)

    def recognise(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> DiagonalGaussian:
        """r(h | u, y)."""
        after, log_scale = self._encoded(state, observation)
        return DiagonalGaussian(jnp.exp(self.log_gain) * after, soft_clamp(log_scale, *LOG_SCALES))

    def advance(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        return self._encoded(state, observation)[0]

    def _encoded(self, state: Array, observation: Array) -> tuple[Array, Array]:
        """x_t, and the encoder's log-scales before they are clamped."""
        candidate, log_scale = jnp.split(self.encoder(jnp.concatenate([state, self.family.shown(observation)])), 2)
        keep = jax.nn.sigmoid(self.keep)
        return keep * state + (1 - keep) * jnp.tanh(candidate), log_scale

    def joint(self) -> "PairDensity":
        return PairDensity(self)

    def given(self, state: Float[Array, " hidden"]) -> "TransitionDensity":
        return TransitionDensity(self, state)

    def features(self, state: Float[Array, " hidden"]) -> Float[Array, " features"]:
        """The state and what the decoder's hidden layer makes of it: the code is not linear in what it stands for."""
        return jnp.concatenate([state, self.hidden_layer(jnp.exp(self.log_gain) * state)])

    def reconstruct(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        """At the mean of h that goes with the state."""
        return self.family.mean(self.observation(self.hidden_layer(jnp.exp(self.log_gain) * state)))

    def predict(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """The mean over draws of the prior given the state."""
        prior = self.before(state)
        keys = jax.random.split(key, DRAWS)
        draws = jax.vmap(lambda k: prior.draw(key=k))(keys)
        return jnp.mean(jax.vmap(lambda h: self.family.mean(self.observation(self.hidden_layer(h))))(draws), axis=0)

    def log_predictive(
        self, previous: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> Float[Array, ""]:
        """Of the transition reading, by importance sampling from the encoder: low on average."""
        density = self.given(previous)
        weights = jax.vmap(lambda k: density.weight(observation, key=k))(jax.random.split(key, DRAWS))
        return jax.nn.logsumexp(weights) - jnp.log(jnp.asarray(DRAWS, weights.dtype))

    def hidden_layer(self, latent: Float[Array, " hidden"]) -> Float[Array, " width"]:
        """Of the decoder, which all heads read."""
        return jnp.tanh(self.trunk(latent))

    def before(self, state: Float[Array, " hidden"]) -> DiagonalGaussian:
        """q(h_t | x_{t-1}) of the transition reading."""
        return _gaussian(self.prior(state))

    def foreseen(self, trunk: Float[Array, " width"], future: Float[Array, "lags observed"]) -> Float[Array, ""]:
        """log-probability of observations to come; one that is not there counts for nothing."""
        naturals = self.future(trunk).reshape(-1, self.family.naturals)
        there = ~jnp.any(jnp.isnan(future), axis=1)
        known = jnp.where(there[:, None], future, 0.0)
        return jnp.sum(jnp.where(there, jax.vmap(self.family.log_prob)(naturals, known), 0.0))


class PairDensity(eqx.Module):
    """log q(u, y), and with lags of what is to come as well, as far as (u, y) can tell."""

    model: RecurrentVAE

    def bound(self, value: tuple[Array, ...], *, key: Key) -> Float[Array, ""]:
        """E_r[log q(y | h) + λ_u log q(u | h) (+ log q(future | h))] - KL(r ‖ N(0, I)), from one draw."""
        model = self.model
        previous, observation, *future = value
        recognised = model.recognise(previous, observation)
        trunk = model.hidden_layer(recognised.draw(key=key))
        prior = DiagonalGaussian(jnp.zeros_like(recognised.mean), jnp.zeros_like(recognised.mean))
        gain = model.family.log_prob(model.observation(trunk), observation)
        gain = gain + model.weight * model.state(trunk).log_prob(previous)
        if future:
            gain = gain + model.foreseen(trunk, future[0])
        return gain - recognised.kl(prior)


class TransitionDensity(eqx.Module):
    """log q(y | u), and with lags of what is to come as well."""

    model: RecurrentVAE
    state: Float[Array, " hidden"]

    def bound(self, value: Array | tuple[Array, Array], *, key: Key) -> Float[Array, ""]:
        """E_r[log q(y | h) (+ log q(future | h))] - KL(r ‖ q(h | u)), from one draw."""
        model = self.model
        observation, *future = value if isinstance(value, tuple) else (value,)
        recognised = model.recognise(self.state, observation)
        trunk = model.hidden_layer(recognised.draw(key=key))
        gain = model.family.log_prob(model.observation(trunk), observation)
        if future:
            gain = gain + model.foreseen(trunk, future[0])
        return gain - recognised.kl(model.before(self.state))

    def weight(self, observation: Float[Array, " observed"], *, key: Key) -> Float[Array, ""]:
        """log q(y, h | u) - log r(h | u, y) of one draw of h: the mean of its exponential is q(y | u)."""
        recognised = self.model.recognise(self.state, observation)
        latent = recognised.draw(key=key)
        likelihood = self.model.family.log_prob(self.model.observation(self.model.hidden_layer(latent)), observation)
        return likelihood + self.model.before(self.state).log_prob(latent) - recognised.log_prob(latent)


def _gaussian(outputs: Float[Array, " both"]) -> DiagonalGaussian:
    mean, log_scale = jnp.split(outputs, 2)
    return DiagonalGaussian(mean, soft_clamp(log_scale, *LOG_SCALES))


def _logit(share: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
    return jnp.log(share) - jnp.log1p(-share)
