"""Type and shape of what a checkpoint holds, leaf by leaf."""

from typing import Any

import jax
import numpy as np

KEYS = {"key<fry>": "threefry2x32", "key<rbg>": "rbg", "key<urbg>": "unsafe_rbg"}
"""Random keys by the name of their type."""


def filled(leaves: dict[str, Any]) -> dict[str, Any]:
    """Those of the `leaves` that hold anything: Orbax refuses arrays of size 0, in which there is nothing to keep."""
    return {name: leaf for name, leaf in leaves.items() if leaf.size}


def schema_of(leaves: dict[str, Any]) -> dict[str, str]:
    """Path -> type and shape, as in `float32[3, 4]`, of `leaves` by their paths."""
    return {name: f"{leaf.dtype}{list(leaf.shape)}" for name, leaf in leaves.items()}


def lasting(leaves: dict[str, Any]) -> dict[str, Any]:
    """The `leaves` without the sums behind the next line of the log, which depend on the metrics that a version has."""
    return {name: leaf for name, leaf in leaves.items() if not name.startswith("totals.")}


def blank(kind: str) -> Any:
    """Zeros of a leaf's type and shape, `kind`, as the schema of a manifest gives them."""
    dtype, _, sizes = kind.partition("[")
    shape = tuple(int(size) for size in sizes.rstrip("]").split(",") if size.strip())
    if dtype.startswith("key<"):
        return jax.numpy.broadcast_to(jax.random.key(0, impl=KEYS[dtype]), shape)
    return np.zeros(shape, dtype)


def renamed(here: dict[str, str], there: dict[str, str]) -> bool:
    """Whether the leaves of two schemas, `here` and `there`, are the same, in their order, under other names.

    Attributes were renamed between versions.
    """
    return list(here.values()) == list(there.values())
