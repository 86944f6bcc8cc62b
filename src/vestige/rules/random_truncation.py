"""Back-propagation through time, cut at random and unbiased for all that."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.rules.clip import check_clip, clipped
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.rollout import current_loss, unroll
from vestige.rules.slots import Slots, empty
from vestige.typing import Batch, Key, PyTree


class RandomlyTruncated(AbstractRule):
    """Truncated BPTT whose cuts are random and made up for (ARTBP; Tallec and Ollivier 2017, arXiv:1705.08209).

    One update is a random number of rollouts. After each of them it ends with probability `cut`; where it goes on,
    the gradient that crosses the border backwards is multiplied by `1 / (1 - cut)`. In the mean over cuts, the sum of
    the updates over a sequence is the gradient of back-propagation through all of it, for the loss of `Truncated`
    summed over rollouts; with the weights of one moment, as ever, though each update moves them.

    | crosses a rollout's border | with gradient | without |
    |---|---|---|
    | the memory's state, within an update | yes, times `1 / (1 - cut)` | |
    | the memory's state, from update to update | no | yes |
    | anything of later steps | no | no |

    What is unbiased is not cheap: over n borders the factor is `(1 - cut)^-n` with probability `(1 - cut)^n`, so that
    the variance of what comes from far grows geometrically with the distance. Prefer few cuts, or a rule that asks
    about the future. All slots share the cuts, since they are followed together; a slot whose sequence ends within
    an update waits for the next one.

    Time per update: `1 / cut` rollouts in the mean, each followed twice and back once. Backward storage: one rollout,
    and the memory's states at the borders, for which there are always `longest` places; whatever the length.

    **Arguments:**

    - `rollout`: steps between two borders.
    - `cut`: probability of a cut at a border; 0 is back-propagation through whole sequences, as long as `longest`
      allows.
    - `longest`: most rollouts per update, where a cut is certain and not made up for. Exact where it is at least the
      number of rollouts in a sequence, `ceil(T / rollout)`; else what reaches further is missing.
    - `clip`: bound on the gradient's global norm; None for none. What is clipped is no longer unbiased.

    **Raises:** `ValueError` where `rollout` or `longest` is below 1, where `cut` is not in [0, 1).
    """

    rollout: int = eqx.field(static=True)
    cut: float = eqx.field(static=True)
    longest: int = eqx.field(static=True)
    clip: float | None = eqx.field(static=True, default=1.0)

    def __check_init__(self):
        for name in ("rollout", "longest"):
            if getattr(self, name) < 1:
                raise ValueError(f"RandomlyTruncated: {name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.cut < 1:
            raise ValueError(
                f"RandomlyTruncated: cut must be in [0, 1), got {self.cut}; to cut everywhere use Truncated"
            )
        check_clip("RandomlyTruncated", self.clip)

    def init(self, model: Any, batch: Batch, *, key: Key) -> Slots:
        return empty(batch.inputs, model.init())

    def needs_batch(self, carry: Slots) -> Bool[Array, ""]:
        return jnp.any(carry.ended)

    def step(self, model: Any, carry: Slots, batch: Batch, *, key: Key) -> Step:
        slots = carry.refilled(batch.inputs, model.init())
        number = self.drawn(key=key)
        grads, value, after = self.stretch(model, slots, number)
        grads, norm = clipped(grads, self.clip)
        metrics = {"loss": value, "rollouts": number, "grad_norm": norm}
        return Step(grads, after, metrics)

    def drawn(self, *, key: Key) -> Int[Array, ""]:
        """How many rollouts until the first cut, at most `longest`."""
        uncut = jax.random.uniform(key, (self.longest - 1,)) >= self.cut
        return 1 + jnp.sum(jnp.cumprod(uncut.astype(jnp.int32)), dtype=jnp.int32)

    def stretch(self, model: Any, slots: Slots, number: Int[Array, ""]) -> tuple[PyTree, Float[Array, ""], Slots]:
        """`number` rollouts of every slot: the gradient, the mean loss of a rollout, and the slots thereafter."""
        trained, rest = eqx.partition(model, eqx.is_inexact_array)
        rows = slots.offset.shape[0]

        def ahead(trained: PyTree, smooth: Any, fixed: Any, offset: Array) -> tuple[tuple[Array, Any], Any]:
            """One rollout: the slots' mean loss and the state after it; what of a state has no gradient goes apart."""
            whole = eqx.combine(trained, rest)

            def one(sequence: Any, offset: Array, state: Any) -> tuple[Array, Any]:
                rollout = unroll(whole, sequence, offset, state, self.rollout)
                return current_loss(whole, rollout), rollout.state

            losses, state = jax.vmap(one)(slots.sequence, offset, eqx.combine(smooth, fixed))
            smooth, fixed = eqx.partition(state, eqx.is_inexact_array)
            return (jnp.mean(losses), smooth), fixed

        def under_way(place: Array) -> Array:
            return slots.offset + self.rollout * place < slots.sequence.length

        def go_on(loop: tuple[Array, Any, Any]) -> Array:
            return (loop[0] < number) & jnp.any(under_way(loop[0]))

        def forwards(loop: tuple[Array, Any, Any]) -> tuple[Array, Any, Any]:
            place, state, kept = loop
            kept = jax.tree.map(lambda places, now: places.at[place].set(now), kept, state)
            (_, smooth), fixed = ahead(
                trained, *eqx.partition(state, eqx.is_inexact_array), slots.offset + self.rollout * place
            )
            return place + 1, eqx.combine(smooth, fixed), kept

        places = jax.tree.map(lambda leaf: jnp.zeros((self.longest, *leaf.shape), leaf.dtype), slots.state)
        count, state, kept = jax.lax.while_loop(go_on, forwards, (jnp.zeros_like(number), slots.state, places))

        def backwards(turn: Array, loop: tuple[PyTree, Any, Array, Array]) -> tuple[PyTree, Any, Array, Array]:
            grads, slope, total, unrolled = loop
            place = count - 1 - turn
            smooth, fixed = eqx.partition(jax.tree.map(lambda leaf: leaf[place], kept), eqx.is_inexact_array)
            offset = slots.offset + self.rollout * place
            (loss, _), pull, _ = jax.vjp(lambda t, s: ahead(t, s, fixed, offset), trained, smooth, has_aux=True)
            more, slope = pull((jnp.ones_like(loss), slope))
            slope = jax.tree.map(lambda leaf: leaf / (1.0 - self.cut), slope)
            unrolled = unrolled + jnp.sum(under_way(place), dtype=loss.dtype) / rows
            return jax.tree.map(jnp.add, grads, more), slope, total + loss, unrolled

        zeros = lambda tree: jax.tree.map(jnp.zeros_like, tree)
        nothing = jnp.zeros(())
        begin = (zeros(trained), zeros(eqx.filter(state, eqx.is_inexact_array)), nothing, nothing)
        grads, _, total, unrolled = jax.lax.fori_loop(jnp.zeros_like(count), count, backwards, begin)
        after = Slots(slots.sequence, slots.offset + self.rollout * count, jax.lax.stop_gradient(state))
        return grads, total / jnp.maximum(unrolled, 1.0 / rows), after
