"""One step of a memory on a table or a text as a function of arrays: what is expected of its outcome, the state."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vestige.data.steps import StepColumns
from vestige.tasks.longterm.reading import EncodesAndPredicts
from vestige.tasks.programs import Program


def outcome_program(model: EncodesAndPredicts, columns: StepColumns) -> Program:
    """The program of one step.

    **Arguments:**

    - `model`: trained.
    - `columns`: of its training.

    **Returns:** a program whose state is what the memory holds; any arrays of their shapes begin, since `reset` starts
    anew.
    """
    start = jax.tree.map(jnp.asarray, model.init())
    leaves, form = jax.tree.flatten(start)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree.leaves_with_path(start)]

    def step(inputs: Array, reset: Array, *state: Array) -> tuple[Array, ...]:
        before = jax.tree.unflatten(form, state)
        before = jax.tree.map(lambda new, old: jnp.where(reset, new, old).astype(old.dtype), start, before)
        after, memories = model.encode(before, inputs[None], jnp.ones(1, bool))
        found = model.predict(memories[0], inputs)
        said = found[0] if columns.labels is None else jax.nn.softmax(found)
        return said, *jax.tree.leaves(after)

    kept = {f"state.{name}": "what the memory holds, as the step before returned it" for name in names}
    return Program(
        "step",
        step,
        "One step of a sequence: its outcome is predicted from it and from all steps since the last reset.",
        {"inputs": _inputs(columns), "reset": "whether a sequence begins here: true at the first step", **kept},
        {**_outputs(columns), **dict.fromkeys(kept, "what the memory holds after the step")},
        (_example(columns), np.asarray(True), *map(np.asarray, leaves)),
    )


def _example(columns: StepColumns) -> np.ndarray:
    return np.zeros((), np.int32) if columns.features is None else np.zeros(columns.features, np.float32)


def _inputs(columns: StepColumns) -> str:
    """How the inputs of a step are made of the values of a table."""
    if columns.features is None:
        column = columns.seen[0]
        gone = f"; {len(column.vocabulary)} where it is missing" if columns.tokens != len(column.vocabulary) else ""
        return f"the place of '{column.name}' in its vocabulary, which config and fitted.json hold{gone}"
    scales = columns.encoder.scales
    parts = []
    for column in columns.seen:
        if column.kind == "class":
            parts.append(f"1 at the place of '{column.name}' among {len(column.vocabulary)} classes")
        elif column.name in scales.scale:
            parts.append(f"('{column.name}' - {scales.centre[column.name]:.9g}) / {scales.scale[column.name]:.9g}")
        else:
            parts.append(f"'{column.name}' as it is")
    return "; ".join(parts) + "; where values were missing in training, 1 after them where one is missing"


def _outputs(columns: StepColumns) -> dict[str, str]:
    if columns.labels is None:
        centre, scale = columns.unit
        return {"mean": f"y, of which {centre:.9g} + {scale:.9g} y is the expected '{columns.outcome.name}'"}
    return {"probabilities": f"that '{columns.outcome.name}' is {', '.join(map(repr, columns.labels))}"}
