"""An identity through which derivatives pass backward and not forward."""

import functools
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

from vestige.typing import PyTree


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def reverse_only(tree: PyTree[Array], why: str) -> PyTree[Array]:
    """`tree`. Reverse mode (`jax.grad`) passes; forward mode (`jax.jvp`, `jax.jacfwd`) raises `TypeError` with the
    words `why`.

    For a value whose cotangent is made by a rule of its own, so that no tangent belongs to it.
    """
    return tree


@reverse_only.defjvp
def _jvp(why: str, primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    return primals[0], jax.tree.map(lambda tangent: _backward_p.bind(tangent, why=why), tangents[0])


def _refuse(*_: Any, why: str) -> Any:
    raise TypeError(why)


# A linear map that can be transposed and batched, but neither evaluated nor compiled.
_backward_p = Primitive("vestige_reverse_only")
_backward_p.def_impl(_refuse)
_backward_p.def_abstract_eval(lambda tangent, *, why: tangent)
mlir.register_lowering(_backward_p, _refuse)
ad.deflinear2(_backward_p, lambda cotangent, tangent, *, why: [cotangent])
batching.defvectorized(_backward_p)
