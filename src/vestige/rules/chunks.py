"""All rollouts of a sequence at once."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from vestige.models.longterm import AbstractLongTermModel
from vestige.rules.average import averaged, ema_model, parameters
from vestige.rules.clip import clipped
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.memup import MemUP
from vestige.rules.prediction_targets import PredictionTargets
from vestige.rules.refresh import no_candidates
from vestige.rules.rollout import unroll
from vestige.rules.selection import Candidates
from vestige.rules.slots import Slots, beginning
from vestige.sequences import AbstractSequence
from vestige.typing import Batch, Diagnostics, Key, PyTree


class _Chunk(NamedTuple):
    """One rollout of every sequence, before it is followed."""

    offset: Int[Array, "*chunks batch"]
    state: Any
    prediction_targets: PredictionTargets


class ChunkParallel(AbstractRule):
    """MemUP with whole sequences per update: rollouts side by side instead of one after the other (section 3.10).

    Rollouts depend on each other only through states that no gradient crosses. So one pass without gradient over
    every sequence keeps the state, and chooses the prediction targets, at the start of each rollout; a second one
    follows all rollouts from there, with gradient, however many at once. The update is exactly the mean, over all
    rollouts of all sequences, of the gradients that `memup` gives one after the other while the weights stand still.

    | crosses a rollout's border | with gradient | without |
    |---|---|---|
    | the memory's state | no | yes: made by the same weights |
    | inputs and outcomes of chosen later steps | yes, for the predictor's reading of them | |
    | steps between | no | no |

    No state is stale, and short serial work becomes wide work, for hardware that is wide; but there is one update per
    batch of sequences instead of one per rollout. Where sequences stream, or on few cores, take `memup` itself.
    Nothing but the moving average crosses an update: every batch brings sequences of its own.

    Time: that of `steps` steps twice, once with gradient, and of the scoring pass. Backward storage: `chunks_at_once`
    rollouts of every sequence, whatever the length; beside it, without gradient, one state of the memory and
    the prediction targets per rollout of every sequence.

    **Arguments:**

    - `memup`: all settings: rollout, stride, targets, score, selection, average, clip.
    - `steps`: the longest length; rollouts that would begin beyond it count for nothing.
    - `chunks_at_once`: how many rollouts of each sequence are followed at once; changes only time and storage.

    **Raises:** `ValueError` where `steps` or `chunks_at_once` is below 1; from `init`, where the detector's context
    reaches over a whole rollout.
    """

    memup: MemUP
    steps: int = eqx.field(static=True)
    chunks_at_once: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        for name in ("steps", "chunks_at_once"):
            if getattr(self, name) < 1:
                raise ValueError(f"ChunkParallel: {name} must be at least 1, got {getattr(self, name)}")

    def init(self, model: AbstractLongTermModel, batch: Batch, *, key: Key) -> PyTree | None:
        """The moving average of the parameters, where `memup` keeps one."""
        self.memup.check_detector(model)
        return None if self.memup.average is None else parameters(model)

    def step(self, model: AbstractLongTermModel, carry: PyTree | None, batch: Batch, *, key: Key) -> Step:
        sequence = batch.inputs
        assert isinstance(sequence, AbstractSequence)
        average = averaged(carry, model, self.memup.average)
        begun = beginning(sequence, model.init())
        chunks, counted = self._chunks(model, ema_model(average, model), begun, key=key)
        number = jnp.maximum(jnp.sum(counted, dtype=float), 1.0)
        trained, rest = eqx.partition(model, eqx.is_inexact_array)

        def loss(trained: PyTree, chunks: tuple[_Chunk, Array]) -> tuple[Array, dict[str, Array]]:
            def one(chunk: _Chunk, counted: Array) -> Any:
                slots = Slots(sequence, chunk.offset, chunk.state)
                totals, (_, losses) = self.memup.lost(eqx.combine(trained, rest), slots, chunk.prediction_targets)
                share = lambda values: jnp.sum(jnp.where(counted, values, 0.0)) / number.astype(values.dtype)
                return jax.tree.map(share, (totals, losses))

            return jax.tree.map(jnp.sum, jax.vmap(one)(*chunks))

        gradient = jax.value_and_grad(loss, has_aux=True)

        def add(total: PyTree, chunks: tuple[_Chunk, Array]) -> tuple[PyTree, None]:
            return jax.tree.map(jnp.add, total, gradient(trained, chunks)), None

        grouped = jax.tree.map(lambda leaf: leaf.reshape(-1, self.chunks_at_once, *leaf.shape[1:]), (chunks, counted))
        like = jax.eval_shape(gradient, trained, jax.tree.map(lambda leaf: leaf[0], grouped))
        nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)
        ((value, losses), grads), _ = jax.lax.scan(add, nothing, grouped)
        grads, norm = clipped(grads, self.memup.clip)
        return Step(grads, average, {"loss": value, **losses, "grad_norm": norm})

    def diagnostics(self, model: AbstractLongTermModel, task: Any, *, key: Key) -> Diagnostics:
        """As `MemUP.diagnostics`."""
        return self.memup.diagnostics(model, task, key=key)

    def _chunks(
        self, model: AbstractLongTermModel, ema_model: AbstractLongTermModel, begun: Slots, *, key: Key
    ) -> tuple[_Chunk, Bool[Array, "chunks batch"]]:
        """Where all rollouts begin and what they are queried about, without gradient, and which of them count."""
        memup, sequence = self.memup, begun.sequence
        number = 1 + max(0, -(-(self.steps - memup.rollout) // memup.stride))
        number = self.chunks_at_once * -(-number // self.chunks_at_once)
        rows = begun.offset.shape[0]

        def border(loop: tuple[Any, Candidates], place: Array) -> tuple[tuple[Any, Candidates], tuple[_Chunk, Array]]:
            state, candidates = loop
            slots = Slots(sequence, begun.offset + place * memup.stride, state)
            key_score, key_select = jax.random.split(jax.random.fold_in(key, place))
            entered = jnp.broadcast_to(place == 0, (rows,))
            candidates = memup.scored(ema_model, candidates, slots, entered=entered, key=key_score)
            prediction_targets = memup.prediction_targets(slots, candidates, key=key_select)
            after = jax.vmap(lambda s, o, m: unroll(model, s, o, m, memup.stride).state)(sequence, slots.offset, state)
            counted = ~memup.over(slots) & (slots.offset < self.steps)
            return (after, candidates), (_Chunk(slots.offset, state, prediction_targets), counted)

        first = (begun.state, no_candidates(rows, memup.candidates))
        return jax.lax.scan(border, first, jnp.arange(number, dtype=begun.offset.dtype))[1]
