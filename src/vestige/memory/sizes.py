"""Sizes are checked where a memory is made, and the message has both numbers."""


def check_sizes(memory: str, **sizes: int) -> None:
    """Check the `sizes`, by name, of the memory that is named `memory`.

    **Raises:** `ValueError` where a size is below 1.
    """
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{memory}: {name} must be at least 1, got {size}")
