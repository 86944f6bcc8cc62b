"""Train a memory on the few distant outcomes that local context cannot predict."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.longterm import AbstractLongTermModel
from vestige.rules.average import averaged, ema_model, parameters
from vestige.rules.chosen_steps import Scoring, chosen_steps
from vestige.rules.clip import check_clip, clipped
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.prediction_targets import PredictionTargets, distant_loss, prediction_targets
from vestige.rules.refresh import no_candidates, scored
from vestige.rules.rollout import current_loss, local_loss, unroll
from vestige.rules.scores import AbstractScore, Surprise
from vestige.rules.selection import AbstractSelection, Candidates, TopK
from vestige.rules.slots import Slots, empty
from vestige.sequences import AbstractSequence
from vestige.typing import Batch, Diagnostics, Key, PyTree


class MemUPCarry(NamedTuple):
    """What survives an update."""

    slots: Slots
    """The sequences under way."""
    candidates: Candidates
    """Of every slot's sequence, batch first."""
    average: PyTree | None
    """The model's parameters, averaged over updates."""


class MemUP(AbstractRule):
    """MemUP (Sorokin et al. 2022, arXiv:2207.13649): rollouts that are queried about the distant future.

    One update follows every slot's sequence for `rollout` steps. At prediction points, every `frequency` steps and at
    the last, memory and predictor must predict `targets` outcomes y_k from (m_t, x_k), where k >= t are the steps that
    `selection` takes from those with the largest `score` (equations E5, E6). What lies between t and k is never run, so
    every rollout between a cue and its use receives the same query, and learns to hand the answer on.

    | crosses a rollout's border | with gradient | without |
    |---|---|---|
    | the memory's state | no | yes: made by slightly older weights |
    | inputs and outcomes of chosen later steps | yes, for the predictor's reading of them | |
    | steps between | no | no |

    Beside the distant targets the loss has the current step's (`current`): else the readout that is evaluated, m_k
    at k, is never trained (section 3.11.9); and the detector's own. All are means, so that none drowns the others.

    Backward storage: `rollout` steps of the memory and `points x targets` predictions per slot, whatever the length of
    the sequences. A sequence is scored once, when it enters (and again where its candidates run out): time in
    proportion to its length, without gradient. With a `horizon` it is scored anew before each rollout, as far as that
    can ask: `rollout + horizon` steps an update.

    **Limits.** A memory that keeps nothing at the start has nothing to hand on: begin with
    [`Chrono`][vestige.cells.Chrono] or [`Fixed`][vestige.cells.Fixed]. What is of use only together with a second thing
    that comes more than a rollout later is never kept (section 3.11.3), nor is it where both lie within a rollout's
    length but a border falls between them: with `stride < rollout`, rollouts overlap, and any two steps that are at
    most `rollout - stride` apart have one in common, for `rollout / stride` times the work.

    **Arguments:**

    - `rollout`, `targets`, `frequency`: r, K and f; f is r by default.
    - `stride`: steps from one rollout's start to the next one's, r by default. The state carried is the one after
      `stride` steps; the rollout that reaches a sequence's end is its last.
    - `horizon`: how many steps after a prediction point the farthest target may lie; None: up to the sequence's end,
      which bounds it anyway.
    - `score`, `selection`: which steps are worth asking about.
    - `current`: whether to train on the current step too.
    - `candidates`: how many steps a scoring pass keeps; by default 8 K, at least 64 and K + r.
    - `scan_chunk`: steps read at a time in a scoring pass.
    - `average`: decay per update of the moving average with which sequences are scored; None: the model itself.
    - `clip`: bound on the gradient's global norm; None for none.

    **Raises:** `ValueError` where `frequency` or `stride` exceeds `rollout`, where a number is below 1, where
    `candidates < targets + rollout - 1`, where `average` is not in [0, 1); from `init`, where the detector's context
    reaches over a whole rollout.
    """

    rollout: int = eqx.field(static=True)
    targets: int = eqx.field(static=True)
    frequency: int = eqx.field(static=True)
    stride: int = eqx.field(static=True)
    horizon: int | None = eqx.field(static=True)
    score: AbstractScore
    selection: AbstractSelection
    current: bool = eqx.field(static=True)
    candidates: int = eqx.field(static=True)
    scan_chunk: int = eqx.field(static=True)
    average: float | None = eqx.field(static=True)
    clip: float | None = eqx.field(static=True)

    def __init__(
        self,
        rollout: int,
        targets: int,
        *,
        frequency: int | None = None,
        stride: int | None = None,
        horizon: int | None = None,
        score: AbstractScore | None = None,
        selection: AbstractSelection | None = None,
        current: bool = True,
        candidates: int | None = None,
        scan_chunk: int = 100,
        average: float | None = None,
        clip: float | None = 1.0,
    ):
        self.rollout, self.targets = rollout, targets
        self.frequency = rollout if frequency is None else frequency
        self.stride = rollout if stride is None else stride
        self.horizon = horizon
        self.score = Surprise() if score is None else score
        self.selection = TopK() if selection is None else selection
        self.current = current
        self.candidates = max(8 * targets, 64, targets + rollout) if candidates is None else candidates
        self.scan_chunk, self.average, self.clip = scan_chunk, average, clip

    def __check_init__(self):
        for name in ("rollout", "targets", "frequency", "stride", "scan_chunk"):
            if getattr(self, name) < 1:
                raise ValueError(f"MemUP: {name} must be at least 1, got {getattr(self, name)}")
        if self.horizon is not None and self.horizon < 1:
            raise ValueError(f"MemUP: horizon must be at least 1 step, got {self.horizon}")
        if self.frequency > self.rollout:
            raise ValueError(
                f"MemUP: a prediction point every frequency={self.frequency} steps does not fit into a rollout of "
                f"rollout={self.rollout}"
            )
        if self.stride > self.rollout:
            raise ValueError(
                f"MemUP: with stride={self.stride} and rollout={self.rollout} some steps would lie in no rollout; "
                f"stride must be at most rollout"
            )
        if self.candidates < self.targets + self.rollout - 1:
            raise ValueError(
                f"MemUP: candidates={self.candidates} must be at least targets + rollout - 1, "
                f"{self.targets + self.rollout - 1}, lest a rollout pass by more of them than can be spared"
            )
        if self.average is not None and not 0 <= self.average < 1:
            raise ValueError(f"MemUP: average must be None or in [0, 1), got {self.average}")
        check_clip("MemUP", self.clip)

    def init(self, model: AbstractLongTermModel, batch: Batch, *, key: Key) -> MemUPCarry:
        self.check_detector(model)
        slots = empty(batch.inputs, model.init())
        average = None if self.average is None else parameters(model)
        return MemUPCarry(slots, no_candidates(slots.offset.shape[0], self.candidates), average)

    def needs_batch(self, carry: MemUPCarry) -> Bool[Array, ""]:
        return jnp.any(carry.slots.ended)

    def step(self, model: AbstractLongTermModel, carry: MemUPCarry, batch: Batch, *, key: Key) -> Step:
        key_score, key_select = jax.random.split(key)
        average = averaged(carry.average, model, self.average)
        slots = carry.slots.refilled(batch.inputs, model.init())
        candidates = self.scored(
            ema_model(average, model), carry.candidates, slots, entered=carry.slots.ended, key=key_score
        )
        prediction_targets = self.prediction_targets(slots, candidates, key=key_select)
        trained, rest = eqx.partition(model, eqx.is_inexact_array)

        def loss(trained: PyTree) -> tuple[Array, Any]:
            totals, (states, losses) = self.lost(eqx.combine(trained, rest), slots, prediction_targets)
            return jnp.mean(totals), (states, jax.tree.map(jnp.mean, losses))

        (value, (states, losses)), grads = jax.value_and_grad(loss, has_aux=True)(trained)
        grads, norm = clipped(grads, self.clip)
        ahead = Slots(slots.sequence, slots.offset + self.stride, jax.lax.stop_gradient(states))
        after = Slots(ahead.sequence, jnp.where(self.over(ahead), ahead.sequence.length, ahead.offset), ahead.state)
        return Step(grads, MemUPCarry(after, candidates, average), {"loss": value, **losses, "grad_norm": norm})

    def diagnostics(self, model: AbstractLongTermModel, task: Any, *, key: Key) -> Diagnostics:
        """Which steps of held-out sequences the rule selects, and the share of them that need a memory, `precision`,
        where a task knows which these are."""
        return chosen_steps(Scoring(self.score, self.scan_chunk), model, task, key=key)

    def over(self, slots: Slots) -> Bool[Array, " batch"]:
        """Of whose sequence no rollout is left: the one before has reached the end."""
        return (slots.offset > 0) & (slots.offset - self.stride + self.rollout >= slots.sequence.length)

    def check_detector(self, model: AbstractLongTermModel) -> None:
        """**Raises:** `ValueError` where the model's detector sees a whole rollout."""
        if model.detector.context >= self.rollout:
            raise ValueError(
                f"MemUP: the detector sees context={model.detector.context} steps, as much as a rollout of "
                f"{self.rollout}: it would call certain what only a memory can know. Use a longer rollout."
            )

    def scored(
        self,
        ema_model: AbstractLongTermModel,
        candidates: Candidates,
        slots: Slots,
        *,
        entered: Bool[Array, " batch"],
        key: Key,
    ) -> Candidates:
        """Candidates of all slots, batch first.

        Scored are sequences that have just `entered`, and those of whose candidates too few lie ahead where
        there may be more; with a `horizon`, all that are under way.
        """
        last = slots.offset[:, None] + (self.rollout - 1)
        ahead = jnp.sum((candidates.steps >= last) & (candidates.scores > -jnp.inf), axis=1)
        more = jnp.min(candidates.scores, axis=1) > -jnp.inf
        wanted = entered | (more & (ahead < self.targets) & ~slots.ended)
        span = None
        if self.horizon is not None:
            wanted, span = ~slots.ended, self.rollout + self.horizon
        sizes = {"count": self.candidates, "scan_chunk": self.scan_chunk, "span": span}
        return scored(self.score, ema_model, candidates, slots, wanted=wanted, key=key, **sizes)

    def prediction_targets(self, slots: Slots, candidates: Candidates, *, key: Key) -> PredictionTargets:
        """The prediction targets of the rollouts that begin where the slots are, batch first."""
        sizes = {
            "rollout": self.rollout,
            "frequency": self.frequency,
            "count": self.targets,
            "horizon": self.horizon,
        }

        def one(candidates: Candidates, offset: Array, length: Array, row: Array) -> PredictionTargets:
            key_row = jax.random.fold_in(key, row)
            return prediction_targets(self.selection, candidates, offset, length, key=key_row, **sizes)

        rows = jnp.arange(slots.offset.shape[0])
        return jax.vmap(one)(candidates, slots.offset, slots.sequence.length, rows)

    def lost(
        self, model: AbstractLongTermModel, slots: Slots, prediction_targets: PredictionTargets
    ) -> tuple[Float[Array, " batch"], tuple[Any, dict[str, Float[Array, " batch"]]]]:
        """The losses of one rollout of every slot, the states after `stride` steps, and the losses' parts.

        No gradient reaches the states that enter.
        """

        def one(
            sequence: AbstractSequence, offset: Array, state: Any, prediction_targets: PredictionTargets
        ) -> tuple[Array, Any]:
            state = jax.lax.stop_gradient(state)
            rollout = unroll(model, sequence, offset, state, self.rollout, self.stride)
            losses = {
                "distant": distant_loss(model, sequence, rollout.memories, prediction_targets),
                "current": current_loss(model, rollout),
                "local": local_loss(model, sequence, offset, self.rollout),
            }
            total = losses["distant"] + losses["local"] + (losses["current"] if self.current else 0.0)
            return total, (rollout.state, losses)

        return jax.vmap(one)(slots.sequence, slots.offset, slots.state, prediction_targets)
