"""The classes of an image or of a row as a function of arrays."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.data.row_layout import RowLayout
from vestige.models.tied import AbstractRecognition, Net, PlainForward, VariancePropagation
from vestige.tasks.programs import Program


def classify_program(net: Net, image: Float[Array, "*units"]) -> Program:
    """The program that recognises one image.

    **Arguments:**

    - `net`: trained, with classes at the top.
    - `image`: one of the held-out ones, the example.

    **Returns:** a program without a state, of the propagation of variances (AP2), which draws nothing.
    """
    says = "The probabilities of the classes of one image, by propagation of variances (AP2)."
    image_says = {"image": "pixels, 0 or 1, rows first"}
    classes = "of each class, in the order of their numbers"
    return _program(net, VariancePropagation(), image, says, image_says, classes)


def classify_row_program(net: Net, layout: RowLayout, row: Float[Array, " values"]) -> Program:
    """The program that recognises one row without a missing value.

    **Arguments:**

    - `net`: trained, with classes at the top.
    - `layout`: of the rows.
    - `row`: one of the held-out ones, the example; what is missing in it is replaced by its mean in training.

    **Returns:** a program without a state, of the plain forward pass, as in `vestige predict`.
    """
    says = "The probabilities of the classes of one row of which no value is missing, by the plain forward pass."
    example = jnp.where(jnp.isnan(row), jnp.asarray(layout.centre), row)
    classes = f"of {', '.join(map(repr, layout.classes))}"
    return _program(net, PlainForward(), example, says, {"row": _values(layout)}, classes)


def _program(
    net: Net, recognition: AbstractRecognition, example: Array, says: str, inputs: dict[str, str], classes: str
) -> Program:
    def classify(seen: Array) -> tuple[Array, ...]:
        return (jax.nn.softmax(recognition.log_top(net, seen, key=jax.random.key(0))),)

    outputs = {"probabilities": classes}
    return Program("classify", classify, says, inputs, outputs, (np.asarray(example, np.float32),))


def _values(layout: RowLayout) -> str:
    """How the values of a row are made of those of a table, in their order."""
    modelled, scales = layout.encoder.schema.modelled, layout.encoder.scales
    parts = []
    for block in layout.blocks:
        for column in (modelled[place] for place in block.places):
            name, scale = column.name, scales.scale.get(column.name, 1.0)
            centre = scales.centre.get(name, 0.0)
            if block.kind == "class":
                others = ", ".join(map(repr, column.vocabulary[1:]))
                parts.append(f"1 where '{name}' is {others}, each in turn, else 0")
            elif centre == 0 and math.isclose(scale, 1.0):
                parts.append(f"'{name}' as it is")
            else:
                parts.append(f"('{name}' - {centre:.9g}) / {scale:.9g}")
    return "; ".join(parts)
