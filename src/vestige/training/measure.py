"""What one update costs: compilation, time, arithmetic, memory. For benchmarks, never for tests."""

import re
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.rules import AbstractRule
from vestige.tasks import AbstractTask
from vestige.training.state import RunState, start
from vestige.training.update import Program, make_advance
from vestige.typing import Key


class Cost(NamedTuple):
    """The measured cost of an update."""

    compile_seconds: float
    milliseconds: float
    """Median over blocks of updates."""
    slowest: float
    fastest: float
    gigaflop: float | None
    """By the compiler's own count; None where loops are left, of which it would count the body once."""
    temporary_bytes: int
    """What the compiled program needs beside its arguments and results."""
    state_bytes: int
    cycle: int
    """Updates that work through a batch."""


def peak_resident_bytes() -> int:
    """The largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def available_bytes() -> int | None:
    """What is left of the memory that compiled programs work in; None where nobody says."""
    stats = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return found and 1024 * int(found[1])


def matmul_rate(size: int = 1024, *, repeats: int = 9) -> float:
    """GFLOP/s of a float32 product of two square matrices of `size` rows, median of `repeats`: this machine's own
    yardstick.
    """
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
    cycle: int = 1,
    seconds: float | None = None,
    available: int | None = None,
) -> Cost:
    """Time the driver's own compiled loop, data generation included.

    The compiler counts the body of a loop once, so the arithmetic is counted on the program of `unrolled`: the
    same model with its time loop written out. That program is lowered but never compiled. Where it has loops all the
    same, nothing is counted.

    **Arguments:**

    - `model`, `task`, `rule`, `optimiser`, `batch_size`: as for `fit`.
    - `unrolled`: the model without loops over time.
    - `updates`: of a block.
    - `blocks`: over which the time is taken.
    - `cycle`: how many updates work through a batch, of which the first may cost more: blocks are multiples of it.
    - `seconds`: blocks that would last longer than this, all together, are made shorter, down to one cycle, and fewer,
      down to one; None: never.
    - `available`: bytes that the compiled program may need; None: any number.

    **Raises:** `MemoryError` where it would need more. It has not run then.
    """
    state = start(model, task, rule=rule, optimiser=optimiser, batch_size=batch_size, key=key)
    state_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(eqx.filter(state, eqx.is_inexact_array)))
    program = Program(task, rule, optimiser)
    advance = make_advance(batch_size=batch_size, skip_nonfinite=False, mesh=None)
    one = jnp.ones((), jnp.int32)
    began = time.perf_counter()
    compiled = advance.lower((program, one), state).compile()  # pyright: ignore[reportFunctionMemberAccess]
    compile_seconds = time.perf_counter() - began
    memory = compiled.compiled.memory_analysis()
    needed = memory.temp_size_in_bytes if memory else 0
    if available is not None and needed > available:
        raise MemoryError(f"an update needs {needed / 2**20:,.0f} MiB, and {available / 2**20:,.0f} MiB are there")

    def run(state: RunState, updates: int) -> tuple[RunState, float]:
        """The state after some updates, and the seconds that they took."""
        began = time.perf_counter()
        state, halted = compiled((program, jnp.asarray(updates, jnp.int32)), state)
        jax.block_until_ready(halted)
        return state, time.perf_counter() - began

    state, first = run(state, 1)
    if seconds is not None:
        updates = min(updates, int(seconds / (1 + blocks) / first))
    updates = cycle * -(-max(updates, 1) // cycle)
    state, took = run(state, updates)  # warms up
    if seconds is not None:
        blocks = max(1, min(blocks, int(seconds / took)))
    times = []
    for _ in range(blocks):
        state, took = run(state, updates)
        times.append(1e3 * took / updates)
    return Cost(
        compile_seconds,
        statistics.median(times),
        max(times),
        min(times),
        _gigaflop(unrolled, program, state, batch_size),
        needed,
        state_bytes,
        cycle,
    )


def _gigaflop(unrolled: Any, program: Program, state: RunState, batch_size: int) -> float | None:
    batch = program.task.batch(size=batch_size, key=state.key)

    arrays, static = eqx.partition((unrolled, state.carry, batch), eqx.is_array)

    def grads(arrays: Any, key: Key) -> Any:
        model, carry, batch = eqx.combine(arrays, static)
        return program.rule.step(model, carry, batch, key=key).grads

    traced = jax.jit(grads).trace(arrays, state.key)
    if any(_loops(traced.jaxpr.jaxpr)):
        return None
    return (traced.lower().cost_analysis() or {}).get("flops", 0.0) / 1e9


def _loops(jaxpr: Any) -> Iterator[str]:
    """The loops of a program that are not written out."""
    for equation in jaxpr.eqns:
        name, parameters = equation.primitive.name, equation.params
        if name == "while" or (name == "scan" and parameters["unroll"] < parameters["length"]):
            yield name
        for leaf in jax.tree.leaves(list(parameters.values()), is_leaf=lambda leaf: hasattr(leaf, "eqns")):
            inner = getattr(leaf, "jaxpr", leaf)
            if hasattr(inner, "eqns"):
                yield from _loops(inner)
