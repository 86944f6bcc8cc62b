"""Checks of option values: each names the option and the value that came; None stands for a default and passes."""

import dataclasses
import math

from vestige.errors import shown

COUNT = 2**31 - 1
"""The largest number of anything: sizes, places and updates are counted in 32 bits."""
WIDTH = 2**16
"""The largest size of a layer: a matrix of two such sides takes 16 GiB."""
ROWS = 2**20
"""The most examples at a time."""
SEEDS = 2**32
"""`jax.random.key` distinguishes so many seeds."""


def at_least(owner: object, lowest: int | float, *names: str) -> None:
    """Check that fields are not below a bound; one that is None passes.

    **Arguments:**

    - `owner`: whose fields they are.
    - `lowest`: the least value that passes.
    - `names`: of the fields.

    **Raises:** `ValueError` that names a field below `lowest`, or NaN.
    """
    for name in names:
        value = getattr(owner, name)
        if value is not None and not value >= lowest:
            raise ValueError(f"{name} must be at least {lowest}, got {shown(value)}")


def at_most(owner: object, highest: int | float, *names: str) -> None:
    """**Raises:** `ValueError` where a field of `owner` in `names` is above `highest`."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not value <= highest:
            raise ValueError(f"{name} must be at most {highest:,}, got {shown(value)}")


def seed(owner: object, *names: str, count: int = 1) -> None:
    """**Raises:** `ValueError` where a field of `owner` in `names` is no seed, nor one of the `count` from there on."""
    for name in names:
        value = getattr(owner, name)
        if not 0 <= value <= SEEDS - count:
            several = f" for {count:,} seeds" if count > 1 else ""
            raise ValueError(f"{name} must be in 0..{SEEDS - count:,}{several}, got {shown(value)}")


def positive(owner: object, *names: str) -> None:
    """Check that fields are above zero; one that is None passes.

    **Arguments:**

    - `owner`: whose fields they are.
    - `names`: of the fields.

    **Raises:** `ValueError` that names a field that is not above zero.
    """
    for name in names:
        value = getattr(owner, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be positive, got {shown(value)}")


def between(owner: object, low: int | float, high: int | float, *names: str, open_end: bool = False) -> None:
    """Check that fields lie in an interval; one that is None passes.

    **Arguments:**

    - `owner`: whose fields they are.
    - `low`, `high`: the ends of the interval, which belong to it.
    - `names`: of the fields.
    - `open_end`: whether `high` itself is outside.

    **Raises:** `ValueError` that names a field outside [low, high], or outside [low, high) with `open_end`.
    """
    for name in names:
        value = getattr(owner, name)
        if value is not None and not (low <= value < high if open_end else low <= value <= high):
            raise ValueError(f"{name} must be in [{low}, {high}{')' if open_end else ']'}, got {shown(value)}")


def finite(owner: object, *, largest: int = COUNT) -> None:
    """**Raises:** `ValueError` where a numeric field of `owner` is infinite or NaN, or whole and beyond `largest`."""
    for field in dataclasses.fields(owner):  # pyright: ignore[reportArgumentType]
        value = getattr(owner, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{field.name} must be finite, got {shown(value)}")
        most = SEEDS - 1 if field.name == "seed" else largest
        if isinstance(value, int) and abs(value) > most:
            raise ValueError(f"{field.name} must be at most {most:,} in size, got {shown(value)}")
