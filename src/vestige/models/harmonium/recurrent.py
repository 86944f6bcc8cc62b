"""The recurrent harmonium: rEFH, TRBM and RTRBM are this model under different rules."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families import AbstractExponentialFamily, AbstractFamily, Bernoulli, Beside, InPart, bits
from vestige.models.filters.contract import AbstractFilter
from vestige.models.harmonium.likelihood import AbstractLikelihood, AnnealedLikelihood
from vestige.models.harmonium.model import Harmonium
from vestige.numerics import full_precision
from vestige.typing import Key

START = 0.005  # standard deviation of the weights of an untrained model (rbmish)
SWEEPS = 25  # of Gibbs sampling behind a prediction (rbmish)


class RecurrentHarmonium(AbstractFilter):
    """A harmonium whose visible units are its own previous state u = x_{t-1} and the observation y_t.

    -E(u, y, h) = b_u·u + b_y·T(y) + c·h + u W_u h + T(y) W_y h + log base(y), and x_t = E[h | u, y], the means of the
    hidden bits. (Makin, Dichter & Sabes 2016; the equations are those of rbmish.)

    The density of (u, y) fitted at each step makes it an rEFH, that of y given u a TRBM, and the latter with gradients
    through earlier states an RTRBM.

    **Arguments:**

    - `family`: of the observation y, exponential in its parameters.
    - `hidden`: bits of the state.
    - `likelihood`: how log q of an observation is obtained; by default by annealed importance sampling.

    **Raises:** `ValueError` for fewer than one hidden unit, and for a family that is not exponential.
    """

    state_weights: Float[Array, "hidden hidden"]
    input_weights: Float[Array, "naturals hidden"]
    state_bias: Float[Array, " hidden"]
    input_bias: Float[Array, " naturals"]
    hidden_bias: Float[Array, " hidden"]
    family: AbstractExponentialFamily
    likelihood: AbstractLikelihood

    def __init__(self, family: AbstractFamily, hidden: int, *, likelihood: AbstractLikelihood | None = None, key: Key):
        if hidden < 1:
            raise ValueError(
                f"RecurrentHarmonium: hidden must be at least 1, got {hidden}; without hidden units every observation "
                "is independent of the last"
            )
        family = exponential(family, "RecurrentHarmonium")
        keys = jax.random.split(key)
        self.state_weights = START * jax.random.normal(keys[0], (hidden, hidden))
        self.input_weights = START * jax.random.normal(keys[1], (family.naturals, hidden))
        self.state_bias = jnp.zeros(hidden)
        self.input_bias = jnp.zeros(family.naturals)
        self.hidden_bias = jnp.zeros(hidden)
        self.family = family
        self.likelihood = AnnealedLikelihood() if likelihood is None else likelihood

    @property
    def in_part(self) -> bool:
        """Never: given the state, values depend on each other through the hidden bits."""
        return False

    def init(self) -> Float[Array, " hidden"]:
        return full_precision(jnp.zeros_like(self.hidden_bias))

    def joint(self) -> Harmonium:
        """The harmonium of pairs (u, y)."""
        return Harmonium(
            jnp.concatenate([self.state_weights, self.input_weights]),
            jnp.concatenate([self.state_bias, self.input_bias]),
            self.hidden_bias,
            Beside(Bernoulli(self.hidden_bias.shape[0], graded=True), self.family),
        )

    def given(self, state: Float[Array, " hidden"]) -> Harmonium:
        """The harmonium of y, whose hidden biases are those that the previous state makes."""
        return Harmonium(
            self.input_weights, self.input_bias, self.hidden_bias + state @ self.state_weights, self.family
        )

    def advance(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        return jax.nn.sigmoid(self.given(state).logits(observation))

    def features(self, state: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
        return state

    def reconstruct(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        return self.family.mean(self.input_bias + self.input_weights @ state)

    def predict(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """25 sweeps of Gibbs sampling with the state clamped, then down, up and down again by means."""
        clamped = self.given(state)
        hidden = jax.nn.sigmoid(clamped.logits(self.draw(state, key=key)))
        mean = self.family.mean(clamped.natural(hidden))
        return self.family.mean(clamped.natural(jax.nn.sigmoid(clamped.logits(mean))))

    def draw(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """The visible units after 25 sweeps of Gibbs sampling with the state clamped."""
        clamped = self.given(state)
        key_start, key_chain = jax.random.split(key)
        start = self.family.draw(clamped.visible_bias, key=key_start)
        hidden = bits(clamped.logits(start), key=key_chain)
        return clamped.gibbs(hidden, SWEEPS, key=jax.random.fold_in(key_chain, 1))

    def log_predictive(
        self, previous: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> Float[Array, ""]:
        """log q(u, y) - log q(u) = log q(y | u), by the model's `likelihood`. (The notes' equation (2).)"""
        return self.likelihood(self.given(previous), observation, key=key)

    def sampled_backwards(
        self, state: Float[Array, " hidden"], steps: int, *, key: Key
    ) -> tuple[Float[Array, "steps hidden"], Float[Array, "steps observed"]]:
        """States and observations that may have come before a state, oldest first; see `backwards`."""
        return backwards(self, state, steps, key=key)

    def receptive_fields(self) -> Float[Array, "hidden naturals"]:
        """The weights through which each unit sees the observation."""
        return self.input_weights.T


def exponential(family: AbstractFamily, owner: str) -> AbstractExponentialFamily:
    """`family` itself, where it can be that of the visible units of a harmonium.

    **Raises:** `ValueError`, which names `owner`, where it cannot.
    """
    if isinstance(family, InPart):
        raise ValueError(
            f"{owner}: observations must not be missing in part: a harmonium has no likelihood of some of the values, "
            "as they depend on each other through its hidden bits; mark the whole step as missing, fill it in, or take "
            "another model (--model rvae)"
        )
    if not isinstance(family, AbstractExponentialFamily):
        raise ValueError(
            f"{owner}: family must be an exponential family in its parameters, got {type(family).__name__}; take "
            "UnitGaussian for standardised reals, Poisson for counts, or a RecurrentVAE"
        )
    return family


def backwards(
    model: RecurrentHarmonium, state: Float[Array, " hidden"], steps: int, *, key: Key
) -> tuple[Float[Array, "steps hidden"], Float[Array, "steps observed"]]:
    """Ancestral samples against time: h_T given the means in `state`, then (h_{T-1}, y_T) given h_T, and so on.

    In the order of time, oldest first: the states h_{T-steps} … h_{T-1} and the observations y_{T-steps+1} … y_T. No
    chain is run, and the hidden biases are not used. (The notes' 3.1(d).)

    **Arguments:**

    - `model`: the harmonium.
    - `state`: (hidden,), means of the last hidden bits.
    - `steps`: how many, static.
    """
    first, key = jax.random.split(key)
    hidden = jax.random.bernoulli(first, state).astype(state.dtype)
    joint = model.joint()

    def step(hidden: Array, key: Key) -> tuple[Array, tuple[Array, Array]]:
        previous, observation = joint.family.draw(joint.natural(hidden), key=key)
        return previous, (previous, observation)

    _, (states, observations) = jax.lax.scan(step, hidden, jax.random.split(key, steps))
    return states[::-1], observations[::-1]
