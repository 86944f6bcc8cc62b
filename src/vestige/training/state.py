"""Everything that must survive a kill, as one pytree."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from vestige.rules import AbstractRule, Step
from vestige.tasks import AbstractTask
from vestige.typing import Batch, Key, PyTree


class Traced:
    """The two parts of an update that take long to trace: the batch and the step of the rule. One object of this class
    traces each once, for the first state and for all updates of a run.
    """

    def __init__(self):
        inlined: Any = eqx.filter_jit(inline=True)  # pyright: ignore[reportCallIssue] - as for jax.jit
        self._batch = inlined(lambda task, size, key: task.batch(size=size, key=key))
        self._step = inlined(lambda rule, model, carry, batch, key: rule.step(model, carry, batch, key=key))

    def batch(self, task: AbstractTask, size: int, key: Key) -> Batch:
        """What `task.batch` returns.

        **Arguments:**

        - `task`: as built.
        - `size`: examples of the batch, static.

        **Returns:** the batch.
        """
        return self._batch(task, size, key)

    def step(self, rule: AbstractRule, model: Any, carry: Any, batch: Batch, key: Key) -> Step:
        """What `rule.step` returns.

        **Arguments:**

        - `rule`, `model`, `carry`, `batch`: as `rule.step` takes them.

        **Returns:** the step.
        """
        return self._step(rule, model, carry, batch, key)


class RunState(eqx.Module):
    """A run between two updates. Update n is a function of this state alone, so a run cut in two is the same
    run: batch and noise of update n come from `fold_in(key, n)`, and no clock enters."""

    model: Any
    """With its parameters as they are after the last update."""
    optimiser: optax.OptState
    """What optax keeps."""
    carry: Any
    """What the rule keeps from step to step."""
    key: Key
    step: Int[Array, ""]
    """Updates done, those skipped included."""
    skipped: Int[Array, ""]
    """Updates left out because something was not finite."""
    totals: PyTree[Array]
    """Sums of the metrics over the updates since the last line of the log."""
    counted: Int[Array, ""]
    """How many updates `totals` holds."""


def start(
    model: eqx.Module,
    task: AbstractTask,
    *,
    rule: AbstractRule,
    optimiser: optax.GradientTransformation,
    batch_size: int,
    key: Key,
    logged: bool = True,
    traced: Traced | None = None,
) -> RunState:
    """The state before the first update. The arrays are copies: the driver gives its own away, each once.

    **Arguments:**

    - `model`, `task`: as built.
    - `rule`, `optimiser`: by which the model is trained.
    - `batch_size`: examples per update.
    - `logged`: with the sums behind the next line of the log, for whose names the rule is traced once. What is only
      read back from a checkpoint needs none.
    - `traced`: by which the updates are traced too; None: one of its own.
    """
    seen = Traced() if traced is None else traced

    @eqx.filter_jit
    def begun(model: eqx.Module, task: AbstractTask, rule: AbstractRule, key: Key) -> RunState:
        model = _copied(model)
        key_carry, key = jax.random.split(key)
        key_batch, key_rule = jax.random.split(key_carry)
        batch = seen.batch(task, batch_size, key_batch)
        carry = _copied(rule.init(model, batch, key=key_rule))
        metrics: PyTree = {}
        if logged:
            metrics = eqx.filter_eval_shape(lambda *parts: seen.step(*parts).metrics, rule, model, carry, batch, key)
        return RunState(
            model=model,
            optimiser=_copied(optimiser.init(eqx.filter(model, eqx.is_inexact_array))),
            carry=carry,
            key=key,
            step=jnp.zeros((), jnp.int32),
            skipped=jnp.zeros((), jnp.int32),
            totals=jax.tree.map(lambda m: jnp.zeros(m.shape, m.dtype), metrics),
            counted=jnp.zeros((), jnp.int32),
        )

    return begun(model, task, rule, key)  # one program: apart, its operations would be compiled one by one


def _copied(tree: Any) -> Any:
    """Every array once more, and none of a weak type: an update has none, and would be compiled again for it."""

    def copied(leaf: Any) -> Any:
        if not eqx.is_array(leaf):
            return leaf
        weak = jnp.issubdtype(leaf.dtype, jnp.number) or leaf.dtype == bool
        return jnp.array(leaf, leaf.dtype) if weak else jnp.copy(leaf)

    return jax.tree.map(copied, tree)
