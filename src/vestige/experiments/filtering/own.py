"""The choice to leave a choice to the model; nothing here imports JAX."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Own:
    """The one that goes with the model's name."""
