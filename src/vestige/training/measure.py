"""What one update costs: compilation, time, arithmetic, memory. For benchmarks, never for tests."""

import resource
import statistics
import sys
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.rules import AbstractRule
from vestige.tasks import AbstractTask
from vestige.training.state import RunState, start
from vestige.training.update import Program, make_advance
from vestige.typing import Batch, Key


class Cost(NamedTuple):
    """The measured cost of an update."""

    compile_seconds: float
    milliseconds: float
    """Median over blocks of updates."""
    slowest: float
    fastest: float
    gigaflop: float
    """By the compiler's own count."""
    temporary_bytes: int
    """What the compiled program needs beside its arguments and results."""
    state_bytes: int


def peak_resident_bytes() -> int:
    """The largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def matmul_rate(size: int = 1024, *, repeats: int = 9) -> float:
    """GFLOP/s of a float32 product of two square matrices, median of `repeats`: this machine's own yardstick."""
    a = jnp.ones((size, size))
    product = jax.jit(lambda a: a @ a)
    product(a).block_until_ready()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        product(a).block_until_ready()
        times.append(time.perf_counter() - began)
    return 2 * size**3 / statistics.median(times) / 1e9


def measure(
    model: eqx.Module,
    unrolled: eqx.Module,
    task: AbstractTask,
    *,
    rule: AbstractRule,
    optimiser: optax.GradientTransformation,
    batch_size: int,
    key: Key,
    updates: int = 50,
    blocks: int = 9,
) -> Cost:
    """Time `blocks` blocks of `updates` updates of the driver's own compiled loop, data generation included.

    The compiler counts the body of a loop once, so the arithmetic is counted on the program of `unrolled`: the
    same model with its time loop written out. That program is lowered but never compiled.
    """
    state = start(model, task, rule=rule, optimiser=optimiser, batch_size=batch_size, key=key)
    state_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(eqx.filter(state, eqx.is_inexact_array)))
    program = Program(task, rule)
    advance = make_advance(optimiser, batch_size=batch_size, skip_nonfinite=False, mesh=None)
    count = jnp.asarray(updates, jnp.int32)
    began = time.perf_counter()
    compiled = advance.lower((program, count), state).compile()  # pyright: ignore[reportFunctionMemberAccess]
    compile_seconds = time.perf_counter() - began
    times = []
    for block in range(blocks + 1):
        began = time.perf_counter()
        state, halted = compiled((program, count), state)
        jax.block_until_ready(halted)
        if block:  # the first block warms up
            times.append(1e3 * (time.perf_counter() - began) / updates)
    memory = compiled.compiled.memory_analysis()
    return Cost(
        compile_seconds,
        statistics.median(times),
        max(times),
        min(times),
        _gigaflop(unrolled, program, state, batch_size),
        memory.temp_size_in_bytes if memory else 0,
        state_bytes,
    )


def _gigaflop(unrolled: Any, program: Program, state: RunState, batch_size: int) -> float:
    batch = program.task.batch(size=batch_size, key=state.key)

    def grads(model: Any, carry: Any, batch: Batch, key: Key) -> Any:
        return program.rule.step(model, carry, batch, key=key).grads

    step = eqx.filter_jit(grads)
    lowered = step.lower(unrolled, state.carry, batch, state.key)  # pyright: ignore[reportFunctionMemberAccess]
    return (lowered.lowered.cost_analysis() or {}).get("flops", 0.0) / 1e9
