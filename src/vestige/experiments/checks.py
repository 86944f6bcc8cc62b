"""Refusing option values that make no sense, with the name and the value; None stands for a default."""


def at_least(owner: object, lowest: int, *names: str) -> None:
    """**Raises:** `ValueError` where a field is below `lowest`."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and value < lowest:
            raise ValueError(f"{name} must be at least {lowest}, got {value}")


def positive(owner: object, *names: str) -> None:
    """**Raises:** `ValueError` where a field is not above zero."""
    for name in names:
        value = getattr(owner, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
