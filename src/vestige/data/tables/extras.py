"""Libraries that are needed for some sources alone."""

import importlib
from typing import Any

from vestige.errors import UsageError


def extra(module: str, what: str, instead: str) -> Any:
    """An optional library.

    **Arguments:**

    - `module`: to import.
    - `what`: needs it, for the message.
    - `instead`: what can be done without it.

    **Returns:** the module.

    **Raises:** `UsageError`, saying how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UsageError(f"{what} needs {package} ({error}): pip install 'vestige[streams]'; or {instead}") from None
