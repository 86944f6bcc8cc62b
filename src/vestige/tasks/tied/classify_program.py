"""The classes of an image as a function of arrays."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.models.tied import Net, VariancePropagation
from vestige.tasks.programs import Program


def classify_program(net: Net, image: Float[Array, "*units"]) -> Program:
    """The program that recognises one image.

    **Arguments:**

    - `net`: trained, with classes at the top.
    - `image`: one of the held-out ones, the example.

    **Returns:** a program without a state, of the propagation of variances (AP2), which draws nothing.
    """
    recognition = VariancePropagation()

    def classify(image: Array) -> tuple[Array, ...]:
        return (jax.nn.softmax(recognition.log_top(net, image, key=jax.random.key(0))),)

    return Program(
        "classify",
        classify,
        "The probabilities of the classes of one image, by propagation of variances (AP2).",
        {"image": "pixels, 0 or 1, rows first"},
        {"probabilities": "of each class, in the order of their numbers"},
        (np.asarray(jnp.asarray(image, jnp.float32)),),
    )
