"""Configurations of earlier schemas, read as what they mean today."""

from collections.abc import Mapping
from typing import Any

from vestige.errors import UsageError
from vestige.runs.schema1 import NAMES

SCHEMA = 2
"""Of what is written now. 1: folders of version 0.1, which name no schema."""


def migrated(config: Mapping[str, Any], *, where: str) -> Any:
    """The options of a configuration in today's schema.

    **Arguments:**

    - `config`: what a `config.yaml` holds.
    - `where`: the file, for messages.

    **Raises:** `UsageError` where it is of a later schema, or of an experiment that schema 1 did not have.
    """
    schema = config.get("schema", 1)
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= SCHEMA:
        raise UsageError(
            f"{where} has schema {schema}, and this version reads 1 to {SCHEMA}: update Vestige to read the run"
        )
    return (
        config["options"] if schema == SCHEMA else _from_first(str(config.get("experiment")), config["options"], where)
    )


def _from_first(experiment: str, options: Any, where: str) -> Any:
    if experiment not in NAMES:
        raise UsageError(f"{where} names no schema, and '{experiment}' is no experiment of version 0.1")
    try:
        return NAMES[experiment].convert(experiment, options)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{where} is damaged: {type(error).__name__} at {error}") from error
