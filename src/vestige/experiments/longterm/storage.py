"""What a rule must store for its backward pass, by the compiler's own account."""

import equinox as eqx
import jax

from vestige.experiments.longterm.remembering import AbstractRemembering
from vestige.experiments.longterm.spanned import AbstractSpanned

SHARES = (8, 1)  # the lengths that are measured: parts of the whole


def temporary_bytes(options: AbstractRemembering) -> int:
    """What one update of the rule needs beside its arguments and results, in bytes.

    The update is compiled and not run: a length that no machine could store can be asked about.
    """
    built = options.build(seed=0)
    key = jax.random.key(0)
    batch = built.task.batch(size=options.batch, key=key)
    carry = built.rule.init(built.model, batch, key=key)
    step = eqx.filter_jit(lambda rule, model, carry, batch, key: rule.step(model, carry, batch, key=key))
    compiled = step.lower(built.rule, built.model, carry, batch, key).compile()  # pyright: ignore[reportFunctionMemberAccess]
    memory = compiled.compiled.memory_analysis()
    return int(memory.temp_size_in_bytes) if memory else 0


def storage_by_span(options: AbstractSpanned) -> dict[int, int]:
    """`temporary_bytes` at a few spans up to that of the task: span -> bytes."""
    found = {}
    for share in SHARES:
        span = max(options.task.span // share, 2 * options.rollout)
        there = options.at(span)
        if there is not None and span < options.task.span:
            found[span] = temporary_bytes(there)
    return {**found, options.task.span: temporary_bytes(options)}
