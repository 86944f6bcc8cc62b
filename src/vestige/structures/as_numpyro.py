"""Structures as NumPyro distributions. Importing this module imports NumPyro; `vestige.structures` does not.

**Raises:** `ImportError` where NumPyro is not installed; it is the extra `vestige[numpyro]`.
"""

import math
from typing import Any, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

try:
    import numpyro.distributions as dist
    from numpyro.distributions import constraints
    from numpyro.distributions.util import validate_sample
except ImportError as error:
    raise ImportError(
        f"vestige.structures.as_numpyro needs NumPyro ({error}): pip install 'vestige[numpyro]'"
    ) from error

from vestige.debug import require
from vestige.structures.contract import AbstractStructure


@final
class TraceDistribution(dist.Distribution):
    """The traces of a structure, given by their winners: integer arrays (steps,), -1 where there was no such step.

    For `Permutation` the winners are the ranking itself, best first; for `Subset` the items in the order in which
    they were picked. `value` makes the structure of them. Traces that end for want of keys are not in the support.

    For batches, make it under `jax.vmap`: `jax.vmap(lambda x: TraceDistribution(Permutation(x)))(log_rates)`, or
    `Batch.of(Permutation, log_rates).map(TraceDistribution)`, has the batch shape of the log-rates.

    Mixtures: such a batch is the component of a `MixtureSameFamily` of structures of one class and size, several
    distributions of equal numbers of steps are those of a `MixtureGeneral`. The support of a batch is, as NumPyro needs
    it there, the same for all rows: winners that are keys, none of them twice. `log_prob` is -inf for those that are no
    whole trace of the row.

    As a latent site it needs a method that takes discrete ones without listing them: SVI with `TraceGraph_ELBO`, the
    gradient of which goes by `log_prob`. There is none through the winners or the value.

    **Arguments:**

    - `structure`: one structure, of `vestige.structures`.
    - `validate_args`: as NumPyro's.

    **Raises:** `ValueError` for a structure that was made under `jax.vmap` already; when drawing,
    unless it is compiled, where the rates admit no whole structure.
    """

    structure: AbstractStructure
    arg_constraints = {}
    pytree_data_fields = ("structure",)
    pytree_aux_fields = ("_keys_ndim",)

    def __init__(self, structure: AbstractStructure, *, validate_args: bool | None = None):
        winners = jax.eval_shape(structure.run, structure.log_rates).winners
        if winners.ndim != 1:
            raise ValueError(
                f"TraceDistribution takes one structure, and this {type(structure).__name__} has log_rates of shape "
                f"{structure.log_rates.shape}. For a batch, put both under vmap: "
                "jax.vmap(lambda x: TraceDistribution(Permutation(x)))(log_rates)."
            )
        self.structure = structure
        self._keys_ndim = structure.log_rates.ndim
        super().__init__((), winners.shape, validate_args=validate_args)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The axes that `jax.vmap` has put before the keys of the structure."""
        shape = self.structure.log_rates.shape
        return shape[: len(shape) - self._keys_ndim]

    @property
    def has_rsample(self) -> bool:
        """False. (NumPyro would take a distribution without constrained arguments for a reparameterised one.)"""
        return False

    @property
    def support(self) -> constraints.Constraint:
        """The winners of whole traces; of a batch, winners that are keys, none of them twice."""
        return _Winners(self) if self.batch_shape else _WholeTraces(self)

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Int[Array, "..."]:
        """Winners of independent draws."""
        if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
            key = jax.random.wrap_key_data(key)
        shape = tuple(sample_shape) + self.batch_shape
        keys, own = jax.random.split(key, shape), len(self.batch_shape)
        winners, valid = _sample(self.structure, keys, len(shape), own)
        return require(winners, valid, self.structure.incomplete)

    @validate_sample
    def log_prob(self, value: Any, intermediates: Any = None) -> Float[Array, "..."]:
        """log p(trace) in nats, differentiable in the rates; -inf where no whole trace has these winners."""
        return _log_prob(*self._matched(value))

    def value(self, winners: Any) -> Float[Array, "..."]:
        """The indicator array of the structure that the winners amount to. Anything, where they are impossible."""
        return _value(*self._matched(winners))

    def possible(self, winners: Any) -> Bool[Array, "..."]:
        """Whether some whole trace has these winners."""
        return _possible(*self._matched(winners))

    def _matched(self, winners: Any) -> tuple[AbstractStructure, Int[Array, "..."], int, int]:
        """The structure and the winners with their batch axes matched; the numbers of these axes."""
        winners = jnp.asarray(winners)
        if not jnp.issubdtype(winners.dtype, jnp.integer):
            raise TypeError(f"TraceDistribution: winners are integers, keys of the structure; got {winners.dtype}")
        if winners.shape[-1:] != self.event_shape:
            raise ValueError(
                f"TraceDistribution: winners of {type(self.structure).__name__} here have {self.event_shape[0]} "
                f"places along the last axis, got shape {winners.shape}"
            )
        batch = jnp.broadcast_shapes(winners.shape[:-1], self.batch_shape)
        own = len(self.batch_shape)

        def widen(leaf: Array) -> Array:
            return jnp.broadcast_to(leaf, batch[len(batch) - own :] + leaf.shape[own:])

        structure = jax.tree.map(widen, self.structure) if own else self.structure
        winners = jnp.broadcast_to(winners.astype(jnp.int32), batch + self.event_shape)
        return structure, winners, len(batch), own


class _WholeTraces(constraints.Constraint):
    """Winners of traces that end in a whole structure."""

    is_discrete = True
    event_dim = 1

    def __init__(self, distribution: TraceDistribution):
        self.distribution = distribution

    def __call__(self, x: Any) -> Any:
        return self.distribution.possible(x)

    def feasible_like(self, prototype: Any) -> Any:
        winners = _mode(self.distribution.structure, len(self.distribution.batch_shape))
        return jnp.broadcast_to(winners, jnp.shape(prototype)).astype(jnp.asarray(prototype).dtype)

    def tree_flatten(self) -> Any:
        return (self.distribution,), (("distribution",), {})

    def eq(self, other: object, static: bool = False) -> Any:
        return isinstance(other, _WholeTraces) and self.distribution.structure is other.distribution.structure


class _Winners(constraints.ParameterFreeConstraint):
    """Keys, none of them twice, or -1: the same for structures of one class and size, whatever their rates."""

    is_discrete = True
    event_dim = 1

    def __init__(self, distribution: TraceDistribution):
        self.distribution = distribution

    @property
    def size(self) -> tuple[int, ...]:
        """How many places there are, and the shape of the keys."""
        distribution = self.distribution
        return *distribution.event_shape, *distribution.structure.log_rates.shape[len(distribution.batch_shape) :]

    def __call__(self, x: Any) -> Any:
        x = jnp.asarray(x)
        steps, *keys = self.size
        inside = (x >= -1) & (x < math.prod(keys))
        twice = (x[..., :, None] == x[..., None, :]) & ~jnp.eye(steps, dtype=bool) & (x >= 0)[..., None]
        return jnp.all(inside, axis=-1) & ~jnp.any(twice, axis=(-2, -1))

    def feasible_like(self, prototype: Any) -> Any:
        winners = _mode(self.distribution.structure, len(self.distribution.batch_shape))
        shape = jnp.shape(prototype)
        if shape[-winners.ndim :] != winners.shape:  # of a mixture, that of the first component
            winners = winners.reshape(-1, winners.shape[-1])[0]
        return jnp.broadcast_to(winners, shape).astype(jnp.asarray(prototype).dtype)

    def tree_flatten(self) -> Any:
        return (self.distribution,), (("distribution",), {})

    def eq(self, other: object, static: bool = False) -> Any:
        return isinstance(other, _Winners) and self.size == other.size


def _over_batch(function: Any, ndim: int, own: int) -> Any:
    """`function(structure, other)` over `ndim` leading axes of `other`, the last `own` of which the structure has."""
    for axis in range(ndim):
        function = jax.vmap(function, in_axes=(0 if axis < own else None, 0))
    return function


def _compiled(function: Any) -> Any:
    """Over batches, compiled: models are run op by op as well."""

    def batched(structure: Any, other: Any, ndim: int, own: int) -> Any:
        return _over_batch(function, ndim, own)(structure, other)

    return jax.jit(batched, static_argnums=(2, 3))


def _is_possible(structure: AbstractStructure, winners: Array) -> tuple[Any, Array]:
    trace = structure.replay(winners)
    return trace, jnp.all(trace.winners == winners) & structure.complete(trace)


@_compiled
def _sample(structure: AbstractStructure, key: Any) -> tuple[Array, Array]:
    draw = jax.lax.stop_gradient(structure).sample(key=key)
    return draw.trace.winners, draw.valid


@_compiled
def _log_prob(structure: AbstractStructure, winners: Array) -> Array:
    trace, possible = _is_possible(structure, winners)
    return jnp.where(possible, structure.log_prob(trace), -jnp.inf)


@_compiled
def _value(structure: AbstractStructure, winners: Array) -> Array:
    return jax.lax.stop_gradient(structure.value(structure.replay(winners)))


@_compiled
def _possible(structure: AbstractStructure, winners: Array) -> Array:
    return _is_possible(structure, winners)[1]


def _mode(structure: Any, own: int) -> Array:
    function = lambda structure: structure.mode().trace.winners
    for _ in range(own):
        function = jax.vmap(function)
    return function(jax.lax.stop_gradient(structure))
