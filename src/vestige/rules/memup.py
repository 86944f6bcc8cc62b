"""Train a memory on the few distant outcomes that local context cannot predict."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.models.longterm import LongTermModel
from vestige.rules.clip import check_clip, clipped
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.points import prediction_points
from vestige.rules.rollout import Rollout, current_loss, follow, local_loss, mean_where
from vestige.rules.scores import AbstractScore, Surprise
from vestige.rules.selection import AbstractSelection, Candidates, Most
from vestige.rules.slots import Slots, empty, replace
from vestige.rules.survey import survey
from vestige.sequences import AbstractSequence, at
from vestige.typing import Batch, Key, PyTree


class MemUPCarry(NamedTuple):
    """What survives an update."""

    slots: Slots
    candidates: Candidates
    """Of every slot's sequence, batch first."""
    average: PyTree | None
    """The model's parameters, averaged over updates."""


class MemUP(AbstractRule):
    """MemUP (Sorokin et al. 2022, arXiv:2207.13649): rollouts that are asked about the distant future.

    One update follows every slot's sequence for `rollout` steps. At prediction points, every `frequency` steps and at
    the last, memory and predictor must foretell `targets` outcomes y_k from (m_t, x_k), where k >= t are the steps that
    `selection` takes from those with the largest `score` (equations E5, E6). What lies between t and k is never run, so
    every rollout between a cue and its use is asked the same question, and learns to hand the answer on.

    | crosses a rollout's border | with gradient | without |
    |---|---|---|
    | the memory's state | no | yes: made by slightly older weights |
    | inputs and outcomes of chosen later steps | yes, for the predictor's reading of them | |
    | steps between | no | no |

    Beside the distant targets the loss has the current step's (`current`): else the read-out that is judged, m_k at k,
    is never trained (section 3.11.9); and the detector's own. All are means, so that none drowns the others.

    Backward storage: `rollout` steps of the memory and `points x targets` predictions per slot, whatever the length of
    the sequences. A sequence is surveyed once, when it enters (and again where its candidates run out): time in
    proportion to its length, without gradient.

    **Limits.** A memory that keeps nothing at the start has nothing to hand on: begin with
    [`Chrono`][vestige.cells.Chrono] or [`Fixed`][vestige.cells.Fixed]. What is of use only together with a second thing
    that comes more than a rollout later is never kept (section 3.11.3).

    **Arguments:**

    - `rollout`, `targets`, `frequency`: r, K and f; f is r by default.
    - `score`, `selection`: which steps are worth asking about.
    - `current`: whether to train on the current step too.
    - `candidates`: how many steps a survey keeps; by default 8 K, at least 64 and K + r.
    - `chunk`: steps per window of a survey.
    - `average`: decay per update of the moving average with which sequences are surveyed; None: the model itself.
    - `clip`: bound on the gradient's global norm; None for none.

    **Raises:** `ValueError` where `frequency > rollout`, where a number is below 1, where
    `candidates < targets + rollout - 1`, where `average` is not in [0, 1); from `init`, where the detector's context
    reaches over a whole rollout.
    """

    rollout: int = eqx.field(static=True)
    targets: int = eqx.field(static=True)
    frequency: int = eqx.field(static=True)
    score: AbstractScore
    selection: AbstractSelection
    current: bool = eqx.field(static=True)
    candidates: int = eqx.field(static=True)
    chunk: int = eqx.field(static=True)
    average: float | None = eqx.field(static=True)
    clip: float | None = eqx.field(static=True)

    def __init__(
        self,
        rollout: int,
        targets: int,
        *,
        frequency: int | None = None,
        score: AbstractScore | None = None,
        selection: AbstractSelection | None = None,
        current: bool = True,
        candidates: int | None = None,
        chunk: int = 500,
        average: float | None = None,
        clip: float | None = 1.0,
    ):
        self.rollout, self.targets = rollout, targets
        self.frequency = rollout if frequency is None else frequency
        self.score = Surprise() if score is None else score
        self.selection = Most() if selection is None else selection
        self.current = current
        self.candidates = max(8 * targets, 64, targets + rollout) if candidates is None else candidates
        self.chunk, self.average, self.clip = chunk, average, clip

    def __check_init__(self):
        for name in ("rollout", "targets", "frequency", "chunk"):
            if getattr(self, name) < 1:
                raise ValueError(f"MemUP: {name} must be at least 1, got {getattr(self, name)}")
        if self.frequency > self.rollout:
            raise ValueError(
                f"MemUP: a prediction point every frequency={self.frequency} steps does not fit into a rollout of "
                f"rollout={self.rollout}"
            )
        if self.candidates < self.targets + self.rollout - 1:
            raise ValueError(
                f"MemUP: candidates={self.candidates} must be at least targets + rollout - 1, "
                f"{self.targets + self.rollout - 1}, lest a rollout pass by more of them than can be spared"
            )
        if self.average is not None and not 0 <= self.average < 1:
            raise ValueError(f"MemUP: average must be None or in [0, 1), got {self.average}")
        check_clip("MemUP", self.clip)

    def init(self, model: LongTermModel, batch: Batch, *, key: Key) -> MemUPCarry:
        if model.detector.context >= self.rollout:
            raise ValueError(
                f"MemUP: the detector sees context={model.detector.context} steps, as much as a rollout of "
                f"{self.rollout}: it would call certain what only a memory can know. Use a longer rollout."
            )
        slots = empty(batch.inputs, model.init())
        rows = slots.offset.shape
        nothing = Candidates(
            jnp.zeros((*rows, self.candidates), jnp.int32), jnp.full((*rows, self.candidates), -jnp.inf)
        )
        return MemUPCarry(slots, nothing, None if self.average is None else _parameters(model))

    def step(self, model: LongTermModel, carry: MemUPCarry, batch: Batch, *, key: Key) -> Step:
        key_survey, key_select = jax.random.split(key)
        average = self._averaged(carry.average, model)
        observer = model if average is None else eqx.combine(average, model)
        slots = carry.slots.refilled(batch.inputs, model.init())
        candidates = self._surveyed(observer, carry, slots, key=key_survey)
        parameters, rest = eqx.partition(model, eqx.is_inexact_array)
        keys = jax.vmap(lambda row: jax.random.fold_in(key_select, row))(jnp.arange(slots.offset.shape[0]))

        def loss(parameters):
            whole = eqx.combine(parameters, rest)

            def one(sequence, offset, state, candidates, key):
                rollout = follow(whole, sequence, offset, state, self.rollout)
                distant = self._distant(whole, sequence, offset, rollout, candidates, key=key)
                losses = {
                    "distant": distant,
                    "current": current_loss(whole, rollout),
                    "local": local_loss(whole, sequence, offset, self.rollout),
                }
                total = distant + losses["local"] + (losses["current"] if self.current else 0.0)
                return total, (rollout.state, losses)

            rows = (slots.sequence, slots.offset, slots.state, candidates, keys)
            totals, (states, losses) = jax.vmap(one)(*rows)
            return jnp.mean(totals), (states, jax.tree.map(jnp.mean, losses))

        (value, (states, losses)), grads = jax.value_and_grad(loss, has_aux=True)(parameters)
        grads, norm = clipped(grads, self.clip)
        after = Slots(slots.sequence, slots.offset + self.rollout, jax.lax.stop_gradient(states))
        return Step(grads, MemUPCarry(after, candidates, average), {"loss": value, **losses, "grad_norm": norm})

    def _distant(
        self,
        model: LongTermModel,
        sequence: AbstractSequence,
        offset: Int[Array, ""],
        rollout: Rollout,
        candidates: Candidates,
        *,
        key: Key,
    ) -> Float[Array, ""]:
        """Mean over the prediction points of the weighted losses at their targets."""
        steps = jnp.sum(rollout.window.inside, dtype=jnp.int32)
        points, counted = prediction_points(self.rollout, self.frequency, steps)
        keys = jax.random.split(key, points.shape[0])
        chosen = jax.vmap(lambda p, k: self.selection(candidates, offset + p, self.targets, key=k))(points, keys)
        chosen = jax.lax.stop_gradient(chosen)

        def asked(memory, steps):
            picked = jax.tree.map(lambda leaf: leaf[:, 0], at(sequence, steps))
            losses = jax.vmap(lambda x, y: model.surprise(memory, x, y))(picked.inputs, picked.outcomes)
            return jnp.where(picked.known, losses, 0.0)

        losses = jax.vmap(asked)(rollout.memories[points], chosen.steps)
        return mean_where(jnp.sum(losses * chosen.weights, axis=1), counted)

    def _surveyed(self, observer: LongTermModel, carry: MemUPCarry, slots: Slots, *, key: Key) -> Candidates:
        """New sequences are looked over, and those of whose candidates too few lie ahead where there may be more."""
        steps, scores = carry.candidates
        last = slots.offset[:, None] + (self.rollout - 1)
        ahead = jnp.sum((steps >= last) & (scores > -jnp.inf), axis=1)
        more = jnp.min(scores, axis=1) > -jnp.inf
        wanted = carry.slots.ended | (more & (ahead < self.targets))
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(wanted.shape[0]))

        def look(sequence, start, key):
            size = {"count": self.candidates, "chunk": self.chunk}
            return survey(self.score, observer, sequence, start=start, key=key, **size)

        def all_of_them(_):
            return jax.vmap(look)(slots.sequence, slots.offset, keys)

        found = jax.lax.cond(jnp.any(wanted), all_of_them, lambda _: carry.candidates, None)
        return replace(wanted, found, carry.candidates)

    def _averaged(self, average: PyTree | None, model: LongTermModel) -> PyTree | None:
        if average is None or self.average is None:
            return None
        decay = self.average
        return jax.tree.map(lambda old, new: decay * old + (1.0 - decay) * new, average, _parameters(model))


def _parameters(model: LongTermModel) -> PyTree:
    return eqx.filter(model, eqx.is_inexact_array)
