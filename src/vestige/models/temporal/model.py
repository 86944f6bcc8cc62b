"""The generative temporal model: one recurrence, read three ways (filter, generate, continue)."""

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.cells import AbstractCell
from vestige.memory import AbstractFeedbackMemory, AbstractMemory, AbstractSlotMemory, Info
from vestige.models.temporal.frames import AbstractDecoder, AbstractEncoder
from vestige.models.temporal.latents import AbstractPosterior, AbstractPrior, Recollection
from vestige.models.temporal.likelihood import AbstractLikelihood
from vestige.numerics import DiagonalGaussian, GaussianMixture, masked_where
from vestige.typing import Key


class TemporalState(NamedTuple):
    """All that one step hands to the next: threaded, so passing it on continues the sequence."""

    controller: Any
    memory: Any
    latent: Float[Array, " latent"]
    features: Float[Array, " features"] | None
    """Features of the previous frame, where the transition sees frames; else None."""
    step: Int[Array, ""]
    """Number of steps since the state was made; it picks each step's noise."""


class Trajectory(NamedTuple):
    """What happened at each step, time first."""

    latent: Float[Array, "time latent"]
    prior: DiagonalGaussian | GaussianMixture
    posterior: DiagonalGaussian | GaussianMixture
    """Equal to the prior where frames were generated."""
    frame_parameters: Float[Array, "time *frame"]
    """The likelihood's parameters: logits, for Bernoulli frames."""
    context: Float[Array, "time context"]
    info: Info
    state: TemporalState
    """After the last step."""


class TemporalModel(eqx.Module):
    """p(x, z) = Π_t p(z_t | Psi_t) p(x_t | z_t), with Psi_t read from a memory of z_<t (GTMM eq. 1-8).

    One step, for every memory (the order of the paper's figure 2):

        h_t          = controller(z_{t-1}, c_t, reads of t - 1 where the memory feeds them back)
        Psi_t        = memory.read(h_t)              sees z_1 ... z_{t-1} only
        p_t, q_t     = prior(Psi_t, memory), posterior(p_t, Psi_t, encoder(x_t))
        z_t          ~ q_t  (filtering)  or  p_t  (generation)
        memory.write(z_t, h_t)

    The posterior filters: it never looks ahead. Frames are encoded before the scan and decoded after it.

    **Patterns** (the paper's figure 1). By default only latents enter the transition and
    only z_t the decoder, so that a KL of zero means that the frame was predicted. `transition_sees_frame`
    adds x_{t-1} to the transition and `decoder_sees_context` adds Psi_t to the decoder (VRNN, Chung et al.
    2015); with the latter, KL no longer measures what is new in a frame and must not be compared with models without
    it.

    **Cost.** Time linear in T; one product with the controller's matrix and the heads' per step. The
    backward pass stores one state per step, and the rest of each step too unless `rematerialise` is set.
    """

    encoder: AbstractEncoder
    decoder: AbstractDecoder
    likelihood: AbstractLikelihood
    controller: AbstractCell
    memory: AbstractMemory
    prior: AbstractPrior
    posterior: AbstractPosterior
    condition_drive: eqx.nn.Linear | None
    """Maps c_t to the controller's pre-activations; None where nothing is given."""
    latent_size: int = eqx.field(static=True)
    transition_sees_frame: bool = eqx.field(static=True, default=False)
    """Feed the features of x_{t-1} to the controller."""
    decoder_sees_context: bool = eqx.field(static=True, default=False)
    """Decode from [z_t, Psi_t]; KL then no longer measures what is new in a frame."""
    rematerialise: bool = eqx.field(static=True, default=False)
    """Recompute each step in the backward pass: storage of one state per step, and some more time."""
    unroll: int = eqx.field(static=True, default=1)
    """Steps written out per turn of the compiled loop: longer compilation, and on a CPU no gain."""

    def unrolled(self, task: Any) -> "TemporalModel":
        """The model without a loop over the frames of a task's sequences: the compiler then counts all arithmetic."""
        return dataclasses.replace(self, unroll=task.frames)

    def init(self) -> TemporalState:
        """The state with which every sequence starts."""
        features = jnp.zeros(self.encoder.features_size) if self.transition_sees_frame else None
        return TemporalState(
            self.controller.init(),
            self.memory.init(),
            jnp.zeros(self.latent_size),
            features,
            jnp.zeros((), jnp.int32),
        )

    def filter(
        self,
        inputs: Float[Array, "time *frame"],
        *,
        condition: Float[Array, "time action"] | None = None,
        mask: Bool[Array, " time"] | None = None,
        reset: Bool[Array, " time"] | None = None,
        state: TemporalState | None = None,
        key: Key,
    ) -> Trajectory:
        """Follow given frames: z_t is drawn from the posterior.

        Padded steps (`mask` False) leave the state as it was; their outputs mean nothing and must be
        masked by whoever sums them. `reset` starts a new sequence at that step.

        **Raises:** `ValueError` where `condition` is given to a model built without it, or is missing where the
        model needs it.
        """
        frames = masked_where(mask, inputs)
        features = jax.vmap(self.encoder)(frames)
        projected = jax.vmap(self.posterior.project)(features)
        drive = self._drive(None if condition is None else masked_where(mask, condition))
        start = self.init() if state is None else state
        initial = self.init()

        def step(state, xs):
            seen, shared, drive, keep, fresh = xs
            if fresh is not None:
                state = _where(fresh, initial._replace(step=state.step), state)
            context, h, memory_state, info, after = self._read(state, drive)
            prior = self.prior(context, self._recollect(memory_state, info))
            posterior = self.posterior(prior, context, shared)
            latent = posterior.draw(key=jax.random.fold_in(key, state.step))
            after = self._write(after, memory_state, latent, h, seen)
            if keep is not None:
                after = _where(keep, after, state)
            return after, (latent, prior, posterior, context, info)

        seen = features if self.transition_sees_frame else None
        state, outputs = self._scan(step, start, (seen, projected, drive, mask, reset))
        latent, prior, posterior, context, info = outputs
        parameters = jax.vmap(self._decode)(latent, context)
        return Trajectory(latent, prior, posterior, parameters, context, info, state)

    def generate(
        self,
        steps: int,
        *,
        condition: Float[Array, "time action"] | None = None,
        state: TemporalState | None = None,
        key: Key,
    ) -> Trajectory:
        """Generate `steps` frames: z_t is drawn from the prior, from the start or on from `state`.

        To continue a sequence, filter its first frames and pass the state of that trajectory.
        """
        start = self.init() if state is None else state
        drive = self._drive(condition)

        def step(state, drive):
            context, h, memory_state, info, after = self._read(state, drive)
            prior = self.prior(context, self._recollect(memory_state, info))
            latent = prior.draw(key=jax.random.fold_in(key, state.step))
            seen = None
            if self.transition_sees_frame:
                frame_key = jax.random.fold_in(jax.random.fold_in(key, state.step), 1)
                seen = self.encoder(self.likelihood.sample(self._decode(latent, context), key=frame_key))
            after = self._write(after, memory_state, latent, h, seen)
            return after, (latent, prior, context, info)

        state, (latent, prior, context, info) = self._scan(step, start, drive, length=steps)
        parameters = jax.vmap(self._decode)(latent, context)
        return Trajectory(latent, prior, prior, parameters, context, info, state)

    def _read(self, state: TemporalState, drive):
        seen = [state.latent]
        if state.features is not None:
            seen.append(state.features)
        if isinstance(self.memory, AbstractFeedbackMemory):
            seen.append(self.memory.feedback(state.memory))
        x = jnp.concatenate(seen) if len(seen) > 1 else state.latent
        controller, h = self.controller(state.controller, x, drive)
        context, memory_state, info = self.memory.read(state.memory, h)
        return context, h, memory_state, info, state._replace(controller=controller)

    def _write(self, state: TemporalState, memory_state, latent, h, seen) -> TemporalState:
        memory_state = self.memory.write(memory_state, latent, h)
        return state._replace(memory=memory_state, latent=latent, features=seen, step=state.step + 1)

    def _decode(self, latent: Float[Array, " latent"], context: Float[Array, " context"]) -> Array:
        return self.decoder(jnp.concatenate([latent, context]) if self.decoder_sees_context else latent)

    def _recollect(self, memory_state, info: Info) -> Recollection | None:
        if not isinstance(self.memory, AbstractSlotMemory):
            return None
        words, written = self.memory.words(memory_state), self.memory.written(memory_state)
        return Recollection(words, written, info["read_weights"])

    def _drive(self, condition: Float[Array, "time action"] | None) -> Float[Array, "time drive"] | None:
        if self.condition_drive is None and condition is None:
            return None
        if self.condition_drive is not None and condition is not None:
            return jax.vmap(self.condition_drive)(condition)
        wanted = "none" if self.condition_drive is None else f"{self.condition_drive.in_features} per step"
        given = "none" if condition is None else f"{condition.shape[-1]} per step"
        raise ValueError(f"condition: this model was built for {wanted}, got {given}")

    def _scan(self, step, start, xs, length: int | None = None):
        body = jax.checkpoint(step, prevent_cse=False) if self.rematerialise else step
        return jax.lax.scan(body, start, xs, length=length, unroll=self.unroll)


def _where(condition: Bool[Array, ""], new: TemporalState, old: TemporalState) -> TemporalState:
    return jax.tree.map(lambda n, o: jnp.where(condition, n, o), new, old)
