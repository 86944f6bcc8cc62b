"""Generative temporal models put together from their parts, at a chosen number of parameters."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.cells import LSTM
from vestige.memory import (
    AbstractFeedbackMemory,
    AbstractMemory,
    AbstractSlotMemory,
    Attention,
    Introspection,
    NoMemory,
)
from vestige.models.temporal.frames import AbstractDecoder, AbstractEncoder, MLPDecoder, MLPEncoder
from vestige.models.temporal.latents import AbstractPosterior, AbstractPrior, GaussianPrior, ResidualPosterior
from vestige.models.temporal.likelihood import AbstractLikelihood, Bernoulli
from vestige.models.temporal.mixtures import MixturePrior
from vestige.models.temporal.model import TemporalModel
from vestige.typing import Key

MakeEncoder = Callable[..., AbstractEncoder]
MakeDecoder = Callable[..., AbstractDecoder]
MakePrior = Callable[..., AbstractPrior]
MakePosterior = Callable[..., AbstractPosterior]


def gaussian(memory: AbstractMemory, latent_size: int, width: int, *, key: Key) -> GaussianPrior:
    """A single Gaussian, from the context.

    **Arguments:**

    - `memory`: whose context is read.
    - `latent_size`: width of z.
    - `width`: units of the hidden layer.
    """
    return GaussianPrior(memory.context_size, latent_size, width, key=key)


def mixture(memory: AbstractMemory, latent_size: int, width: int, *, between: int = 0, key: Key) -> MixturePrior:
    """Something new, or one of the slots.

    **Arguments:**

    - `memory`: whose context and slots are read.
    - `latent_size`: width of z.
    - `width`: units of the hidden layer.
    - `between`: components between each slot and the next older one, see `MixturePrior`.

    **Raises:** `ValueError` for a memory without slots, and, with `between`, for one whose slots are in no order.
    """
    if between and not isinstance(memory, Attention | Introspection):
        raise ValueError(
            f"between: the slots of {type(memory).__name__} do not stand in the order in which they were written; use "
            "attention or introspection, or between 0"
        )
    if not isinstance(memory, AbstractSlotMemory):
        raise ValueError(
            f"a mixture prior chooses among the slots of a memory, and {type(memory).__name__} has none; use the prior "
            "gaussian, or another memory"
        )
    return MixturePrior(
        memory.context_size,
        latent_size,
        width,
        word_size=memory.word_size,
        heads=memory.heads,
        between=between,
        key=key,
    )


def gtmm(
    frame_shape: tuple[int, ...],
    memory: Callable[..., AbstractMemory],
    *,
    latent_size: int,
    controller_size: int,
    width: int,
    condition_size: int = 0,
    encoder: MakeEncoder = MLPEncoder,
    decoder: MakeDecoder = MLPDecoder,
    prior: MakePrior = gaussian,
    posterior: MakePosterior = ResidualPosterior,
    likelihood: AbstractLikelihood | None = None,
    transition_sees_frame: bool = False,
    decoder_sees_context: bool = False,
    rematerialise: bool = False,
    key: Key,
) -> TemporalModel:
    """A generative temporal model with the given memory.

    **Arguments:**

    - `frame_shape`: shape of one observation.
    - `memory`: called as `memory(latent_size, controller_size, key=key)`.
    - `latent_size`, `controller_size`: widths of z and h. `width`: of every hidden layer.
    - `condition_size`: width of c_t, 0 for none.
    - `encoder`, `decoder`: called as `encoder(frame_shape, width, key=key)` and
      `decoder(code_size, frame_shape, width, key=key)`.
    - `prior`: `gaussian` (the paper's) or `mixture`, called as `prior(memory, latent_size, width, key=key)`.
    - `posterior`: `ResidualPosterior` (default), `PlainPosterior` (the paper's), or, with a mixture prior,
      `AddressedPosterior`.
    - `likelihood`: of a frame; `Bernoulli()` by default.
    - `transition_sees_frame`, `decoder_sees_context`, `rematerialise`: fields of
      [`TemporalModel`][vestige.models.temporal.TemporalModel].

    **Returns:** the model, with an LSTM as controller.
    """
    keys = jax.random.split(key, 7)
    store = memory(latent_size, controller_size, key=keys[0])
    frame_encoder = encoder(frame_shape, width, key=keys[1])
    code_size = latent_size + store.context_size * decoder_sees_context
    feedback_size = store.feedback_size if isinstance(store, AbstractFeedbackMemory) else 0
    controller_input = latent_size + frame_encoder.features_size * transition_sees_frame + feedback_size
    controller = LSTM(controller_input, controller_size, key=keys[3])
    return TemporalModel(
        encoder=frame_encoder,
        decoder=decoder(code_size, frame_shape, width, key=keys[2]),
        likelihood=Bernoulli() if likelihood is None else likelihood,
        controller=controller,
        memory=store,
        prior=prior(store, latent_size, width, key=keys[4]),
        posterior=posterior(frame_encoder.features_size, store.context_size, latent_size, width, key=keys[5]),
        condition_drive=(
            eqx.nn.Linear(condition_size, controller.drive_size, use_bias=False, key=keys[6])
            if condition_size
            else None
        ),
        latent_size=latent_size,
        transition_sees_frame=transition_sees_frame,
        decoder_sees_context=decoder_sees_context,
        rematerialise=rematerialise,
    )


def _no_memory(latent_size: int, controller_size: int, *, key: Key) -> NoMemory:
    return NoMemory(controller_size)


def vrnn(frame_shape: tuple[int, ...], *, full: bool = False, key: Key, **arguments) -> TemporalModel:
    """The baseline without external memory, Psi := h; `arguments` as for `gtmm`.

    By default only latents enter the transition and the decoder: the fair ablation of a memory. With `full`
    the transition also sees x_{t-1} and the decoder h (Chung et al. 2015).

    **Arguments:**

    - `frame_shape`: shape of one observation.
    - `full`: whether the transition also sees x_{t-1} and the decoder h.
    - `arguments`: of `gtmm`.
    """
    return gtmm(
        frame_shape,
        _no_memory,
        transition_sees_frame=full,
        decoder_sees_context=full,
        key=key,
        **arguments,
    )


def count_parameters(model: eqx.Module) -> int:
    """The number of trainable scalars; works on shapes as well as on arrays."""
    leaves = [leaf for leaf in jax.tree.leaves(model) if isinstance(leaf, jax.Array | jax.ShapeDtypeStruct)]
    return sum(leaf.size for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact))


def shapes(build: Callable[[], eqx.Module]) -> eqx.Module:
    """The model `build()` makes, with shapes in place of arrays: nothing is allocated."""
    return eqx.filter_eval_shape(build)


def match_width(build: Callable[[int], eqx.Module], target: int, *, lowest: int = 8) -> int:
    """The controller width at which `build(width)` has the number of parameters closest to `target`.

    Nothing is allocated: models are built as shapes. The count must grow with the width.

    **Raises:** `ValueError` where even `lowest` has too many parameters to come within 1.5 %.
    """

    def count(width: int) -> int:
        return count_parameters(shapes(lambda: build(width)))

    low, high = lowest, 2 * lowest
    while count(high) < target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    best = min((low, high), key=lambda width: abs(count(width) - target))
    if abs(count(best) - target) > 0.015 * target:
        raise ValueError(
            f"no controller width gives {target} parameters within 1.5 %; width {best} gives {count(best)}. "
            "Use larger sizes, or do not match parameter counts (--model.no-match-parameters)."
        )
    return best
