"""Mixed precision: products of matrices in bfloat16, everything else as it is."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxpr_as_fun
from jax.extend.core.primitives import dot_general_p

R = TypeVar("R")
BITS = (8, 7)  # of the exponent and the mantissa of bfloat16

EXACT = jax.lax.Precision.HIGHEST
"""The precision that a product requests to be left alone: `jnp.matmul(a, b, precision="highest")`."""


def with_bfloat16_products(function: Callable[..., R]) -> Callable[..., R]:
    """`function` with the operands of every product of float32 arrays rounded to bfloat16; sums stay in float32.

    Micikevicius et al. 2018 ("Mixed precision training") with bfloat16 in place of float16, whose exponents are those
    of float32, so that no loss has to be scaled. Rounding an operand changes it by at most 1/256 of itself. Parameters,
    activations, logarithms, sums, softmaxes and draws stay as they are, and so do products that were written with
    `precision="highest"`, products of integers and of float64. To be wrapped around a whole update: products that
    differentiation adds are rounded too. Loops, branches and nested calls are followed; arrays alone count, and the
    result is not to be differentiated again.

    On GPUs and TPUs such products run on units made for them. CPUs round and then multiply in float32: slower, with the
    same numbers up to the order of sums, so that the effect on a result can be measured anywhere.

    **Arguments:**

    - `function`: of arrays and other leaves; other leaves are static.

    **Returns:** a function of the same arguments. Cost: one more trace of `function`.
    """

    @functools.wraps(function)
    def rounded(*args: Any, **kwargs: Any) -> R:
        arrays, static = eqx.partition((args, kwargs), eqx.is_array)
        leaves, structure = jax.tree.flatten(arrays)
        others: list[Any] = []

        def flat(*leaves):
            args, kwargs = eqx.combine(jax.tree.unflatten(structure, leaves), static)
            found, rest = eqx.partition(function(*args, **kwargs), eqx.is_array)
            returned, shape = jax.tree.flatten(found)
            others[:] = [shape, rest]
            return returned

        traced = _rounded_closed(jax.make_jaxpr(flat)(*leaves))
        shape, rest = others
        return eqx.combine(jax.tree.unflatten(shape, jaxpr_as_fun(traced)(*leaves)), rest)

    return rounded


def _rounded_closed(closed: ClosedJaxpr) -> ClosedJaxpr:
    return closed.replace(jaxpr=_rounded(closed.jaxpr))


def _rounded(jaxpr: Jaxpr) -> Jaxpr:
    return jaxpr.replace(eqns=[_rounded_equation(eqn) for eqn in jaxpr.eqns])


def _rounded_equation(eqn: JaxprEqn) -> JaxprEqn:
    if eqn.primitive is not dot_general_p:
        return eqn.replace(params={name: _rounded_parameter(value) for name, value in eqn.params.items()})
    operands: list[Any] = [v.aval for v in eqn.invars]
    if any(a.dtype != jnp.float32 for a in operands) or _is_exact(eqn.params["precision"]):
        return eqn
    (call,) = jax.make_jaxpr(jax.jit(functools.partial(_product, eqn.params)))(*operands).eqns
    return eqn.replace(primitive=call.primitive, params=call.params, effects=call.effects)


def _product(params: dict[str, Any], a: jax.Array, b: jax.Array) -> jax.Array:
    multiply = functools.partial(dot_general_p.bind, **{**params, "preferred_element_type": jnp.float32})
    narrow = lambda *operands: multiply(*(x.astype(jnp.bfloat16) for x in operands))
    # The compiler may leave a mere conversion out, to keep more bits; a CPU does not have such a product of all shapes.
    rounded = (jax.lax.reduce_precision(x, *BITS) for x in (a, b))
    return jax.lax.platform_dependent(*rounded, cpu=multiply, default=narrow)


def _is_exact(precision: Any) -> bool:
    each = precision if isinstance(precision, tuple) else (precision,)
    return any(one == EXACT for one in each)


def _rounded_parameter(value: Any) -> Any:
    if isinstance(value, ClosedJaxpr):
        return _rounded_closed(value)
    if isinstance(value, Jaxpr):
        return _rounded(value)
    if isinstance(value, tuple | list):
        return type(value)(_rounded_parameter(one) for one in value) if type(value) in (tuple, list) else value
    return value
