"""Whether an update calls the host, which a program of many processes cannot."""

from collections.abc import Iterator
from typing import Any

import equinox as eqx

from vestige.training.refusal import Refused
from vestige.training.state import RunState
from vestige.training.team import AbstractTeam
from vestige.training.update import Program

CALLBACKS = ("pure_callback", "io_callback", "debug_callback")


def refuse_host_reads(team: AbstractTeam, program: Program, state: RunState, batch_size: int) -> None:
    """Check that a `team` of several processes can make an update; traces it once, compiles nothing.

    **Arguments:**

    - `team`: the processes.
    - `program`, `state`, `batch_size`: of the run.

    **Raises:** `Refused` where a batch or an update calls the host: which process would be called is not defined.
    """
    if team.size == 1:
        return

    def update(state: RunState) -> Any:
        batch = program.task.batch(size=batch_size, key=state.key)
        return program.rule.step(state.model, state.carry, batch, key=state.key).grads

    traced = eqx.filter_make_jaxpr(update)(state)[0]
    if found := next(_calls(traced.jaxpr), None):
        task = type(program.task).__name__
        raise Refused(
            f"{task} reads its data on the host while it trains ({found}), which works in one process alone. Train "
            "with --processes 1, or take data that fit into memory"
        )


def _calls(jaxpr: Any) -> Iterator[str]:
    for equation in jaxpr.eqns:
        if equation.primitive.name in CALLBACKS:
            yield equation.primitive.name
        for inner in _inside(list(equation.params.values())):
            yield from _calls(inner)


def _inside(values: Any) -> Iterator[Any]:
    import jax

    for leaf in jax.tree.leaves(values, is_leaf=lambda leaf: hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr")):
        inner = getattr(leaf, "jaxpr", leaf)
        if hasattr(inner, "eqns"):
            yield inner
