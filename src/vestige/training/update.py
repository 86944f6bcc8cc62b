"""The compiled inner loop: many updates per call, each guarded against what is not finite."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Int

from vestige.rules import AbstractRule, Step
from vestige.rules.spreading import spread_over
from vestige.tasks import AbstractTask
from vestige.training.state import RunState, Traced
from vestige.typing import Batch


class Program(NamedTuple):
    """What does not change during a run. Its arrays are inputs of the compiled program: runs that differ in them
    alone, such as in the rate of an optimiser that is `rated`, share one."""

    task: AbstractTask
    rule: AbstractRule
    optimiser: optax.GradientTransformation


def _propose(
    program: Program, state: RunState, drawn: Batch | None, batch_size: int, mesh: Mesh | None, traced: Traced
) -> tuple[Step, Batch | None]:
    """The rule's update at this state, and the batch that it was made from, `drawn` again where the rule does not ask
    for another. Whatever is random follows from the state's key and step."""
    key_batch, key_rule = jax.random.split(jax.random.fold_in(state.key, state.step))

    def draw() -> Batch:
        return traced.batch(program.task, batch_size, key_batch)

    if drawn is not None:
        last, static = eqx.partition(drawn, eqx.is_array)
        asked = program.rule.needs_batch(state.carry)
        drawn = eqx.combine(jax.lax.cond(asked, lambda: eqx.filter(draw(), eqx.is_array), lambda: last), static)
    batch = draw() if drawn is None else drawn
    if mesh is not None:
        batch = jax.lax.with_sharding_constraint(batch, NamedSharding(mesh, PartitionSpec(mesh.axis_names)))
    with spread_over(mesh):
        return traced.step(program.rule, state.model, state.carry, batch, key_rule), drawn


def _undrawn(program: Program, state: RunState, batch_size: int, traced: Traced) -> Batch | None:
    """A blank batch to begin with; None where the rule asks for a new one at every update."""
    if program.rule.needs_batch(state.carry) is True:
        return None
    like = eqx.filter_eval_shape(traced.batch, program.task, batch_size, state.key)
    is_shape = lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct)
    return jax.tree.map(lambda leaf: _blank(leaf) if is_shape(leaf) else leaf, like)


def _blank(shape: jax.ShapeDtypeStruct) -> Array:
    if jnp.issubdtype(shape.dtype, jax.dtypes.prng_key):
        return jnp.broadcast_to(jax.random.key(0), shape.shape)
    return jnp.zeros(shape.shape, shape.dtype)


def _finite(*trees) -> Bool[Array, ""]:
    return jnp.isfinite(sum(optax.tree.norm(eqx.filter(tree, eqx.is_inexact_array)) for tree in trees))


def _as_parameters(grads, parameters):
    """In the precision of the parameters, so that optimiser and weights keep theirs; a rule may sum in a finer one."""
    of = lambda leaf, like: leaf if leaf is None or like is None else leaf.astype(like.dtype)
    return jax.tree.map(of, grads, parameters, is_leaf=lambda leaf: leaf is None)


def make_advance(
    *,
    batch_size: int,
    skip_nonfinite: bool,
    mesh: Mesh | None,
    traced: Traced | None = None,
) -> Callable[[tuple[Program, Int[Array, ""]], RunState], tuple[RunState, Bool[Array, ""]]]:
    """Compile `advance((program, count), state)`: up to `count` updates, then the state and whether it halted.

    It halts *before* an update whose gradient, metrics or new parameters are not finite, so the state it
    returns is good; with `skip_nonfinite` it counts the update and goes on without it. `count` is traced: one
    compilation serves every number. The state's buffers are donated.

    **Arguments:**

    - `batch_size`: examples per update.
    - `skip_nonfinite`: whether such updates are counted and left out.
    - `mesh`: over whose axes the batch is spread; None: one device.
    - `traced`: by which the first state was made too; None: one of its own.
    """
    traced = Traced() if traced is None else traced

    def update(
        program: Program, state: RunState, drawn: Batch | None
    ) -> tuple[RunState, Bool[Array, ""], Batch | None]:
        proposal, drawn = _propose(program, state, drawn, batch_size, mesh, traced)
        parameters, rest = eqx.partition(state.model, eqx.is_inexact_array)
        changes, optimiser_state = program.optimiser.update(
            _as_parameters(proposal.grads, parameters), state.optimiser, parameters
        )
        changed = eqx.apply_updates(parameters, changes)
        good = _finite(proposal.grads, proposal.metrics, changed)

        def keep(new, old):
            return jax.tree.map(lambda n, o: jnp.where(good, n, o) if eqx.is_array(n) else n, new, old)

        done = good | skip_nonfinite
        state = RunState(
            model=eqx.combine(keep(changed, parameters), rest),
            optimiser=keep(optimiser_state, state.optimiser),
            carry=keep(proposal.carry, state.carry),
            key=state.key,
            step=state.step + done,
            skipped=state.skipped + (done & ~good),
            totals=keep(jax.tree.map(jnp.add, state.totals, proposal.metrics), state.totals),
            counted=state.counted + good,
        )
        return state, ~done, drawn

    @eqx.filter_jit(donate="all-except-first")
    def advance(constant: tuple[Program, Int[Array, ""]], state: RunState) -> tuple[RunState, Bool[Array, ""]]:
        program, count = constant
        # A batch that is not needed is the last one again, which costs nothing; blank ones would have to be made.
        arrays, static = eqx.partition((state, _undrawn(program, state, batch_size, traced)), eqx.is_array)

        def proceed(loop):
            done, halted, _ = loop
            return (done < count) & ~halted

        def body(loop):
            done, _, arrays = loop
            state, drawn = eqx.combine(arrays, static)
            state, halted, drawn = update(program, state, drawn)
            return done + 1, halted, eqx.filter((state, drawn), eqx.is_array)

        zero = jnp.zeros((), jnp.int32)
        _, halted, arrays = jax.lax.while_loop(proceed, body, (zero, jnp.zeros((), bool), arrays))
        state = eqx.combine(arrays, static)[0]
        if mesh is not None:  # as it came in, so that the next call is the same program, and every process has it whole
            state = eqx.filter_shard(state, NamedSharding(mesh, PartitionSpec()))
        return state, halted

    return advance


def name_nonfinite(program: Program, state: RunState, batch_size: int) -> list[str]:
    """The leaves that are not finite in the update this state asks for, by path; metrics first.

    Repeats the update outside the compiled loop: it is deterministic, so a healthy run pays nothing for
    the names.

    **Arguments:**

    - `program`: task and rule.
    - `state`: that before the update.
    - `batch_size`: examples per update.
    """
    traced = Traced()
    drawn = _undrawn(program, state, batch_size, traced)
    proposal, _ = eqx.filter_jit(_propose)(program, state, drawn, batch_size, None, traced)
    named: list[str] = []
    for title, tree in (("metric", proposal.metrics), ("gradient", proposal.grads)):
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
            if eqx.is_inexact_array(leaf) and not bool(jnp.all(jnp.isfinite(leaf))):
                named.append(f"{title} {jax.tree_util.keystr(path, simple=True, separator='.')}")
    return named
