"""Checks of option values: each names the option and the value that came; None stands for a default and passes."""

import dataclasses
import math

LARGEST = 2**53  # above this a float no longer counts in ones


def at_least(owner: object, lowest: int | float, *names: str) -> None:
    """**Raises:** `ValueError` where a field is below `lowest`."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not value >= lowest:
            raise ValueError(f"{name} must be at least {lowest}, got {value}")


def positive(owner: object, *names: str) -> None:
    """**Raises:** `ValueError` where a field is not above zero."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")


def between(owner: object, low: int | float, high: int | float, *names: str, open_end: bool = False) -> None:
    """**Raises:** `ValueError` where a field is not in [low, high], or in [low, high) with `open_end`."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not (low <= value < high if open_end else low <= value <= high):
            raise ValueError(f"{name} must be in [{low}, {high}{')' if open_end else ']'}, got {value}")


def finite(owner: object) -> None:
    """**Raises:** `ValueError` where a numeric field is infinite or NaN, or a whole number is beyond 2**53."""
    for field in dataclasses.fields(owner):  # pyright: ignore[reportArgumentType]
        value = getattr(owner, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{field.name} must be finite, got {value}")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError(f"{field.name} must be at most 2**53 = {LARGEST} in size, got a larger number")
