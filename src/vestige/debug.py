"""Checks of values: at once where the values are known, in compiled programs on request.

A check that is compiled into a program is a call back to the host: such a program is never kept in the persistent
compilation cache and cannot be exported. So programs hold none. What is wrong with a value shows in what they return
(`Draw.valid` is False, the log-probability or the estimate is NaN), and the words belong to whoever looks:

- outside of `jax.jit` a wrong value raises at once, under `jax.vmap` and `jax.grad` as well;
- `Draw.required()` raises for what a compiled program returned;
- inside `with checks():` programs are compiled with their checks, and name what is wrong where it happens.

```python
with vestige.debug.checks():
    loss = train_step(model, batch)  # compiled anew, with checks
```
"""

import contextlib
from collections.abc import Iterator
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir
from jaxtyping import Array, Bool

Tree = TypeVar("Tree")

_compiled_in = jax.make_user_context(default_value=False)  # of the thread, and part of the key of jit's cache


@contextlib.contextmanager
def checks() -> Iterator[None]:
    """Programs that are traced inside this context hold their checks and raise `equinox.EquinoxRuntimeError`.

    What was compiled outside is compiled again inside, and the other way round. Other threads are not concerned.
    """
    with _compiled_in(True):
        yield


def require(tree: Tree, ok: Bool[Array, "..."], message: str) -> Tree:
    """`tree` itself, checked. Use what is returned: inside `checks` the check hangs on it.

    **Arguments:**

    - `tree`: any pytree.
    - `ok`: bools, all of which must be True.
    - `message`: of the error.

    **Raises:** `ValueError` where `ok` is known to be False; in compiled programs only inside `checks`.
    """
    if _compiled_in.value:
        return eqx.error_if(tree, ~jnp.all(ok), message)
    _known_p.bind(jnp.asarray(ok), message=message)
    return tree


def _look(ok: Any, *, message: str) -> list[Any]:
    if not bool(jnp.all(ok)):
        wrong = f" ({int(jnp.sum(~ok))} of {ok.size} rows)" if ok.ndim else ""
        raise ValueError(message + wrong)
    return []


# Evaluates to a look at the value; compiles to nothing.
_known_p = Primitive("vestige_require")
_known_p.multiple_results = True
_known_p.def_impl(_look)
_known_p.def_abstract_eval(lambda ok, *, message: [])
mlir.register_lowering(_known_p, lambda context, ok, *, message: [])
batching.primitive_batchers[_known_p] = lambda args, dims, *, message: (_known_p.bind(*args, message=message), [])
