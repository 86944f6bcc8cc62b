"""From options to objects, on behalf of a person who set them."""

from vestige.errors import UsageError
from vestige.experiments.contract import AbstractOptions, Built


def construct(options: AbstractOptions, *, seed: int) -> Built:
    """`options.build`, with sizes that do not fit reported as the user's. **Raises:** `UsageError`."""
    try:
        return options.build(seed=seed)
    except ValueError as error:
        raise UsageError(str(error)) from error
