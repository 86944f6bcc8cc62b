"""Doing again is cheaper than keeping."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx


def rematerialised(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose inside is computed again in the backward pass; only its arguments and results are kept.

    For accesses of many small operations on `slots²` numbers: writing every intermediate value of every step to
    memory and reading it back takes longer than computing it twice. Meant for use within a scan.
    """

    @functools.wraps(method)
    def wrapped(*arguments: Any) -> Any:
        return eqx.filter_checkpoint(method, prevent_cse=False)(*arguments)

    return wrapped
