"""What the weights of the two directions have to do with each other, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vestige.experiments.checks import at_least

if TYPE_CHECKING:
    from vestige.models.tied import Tie


@dataclasses.dataclass(frozen=True)
class AbstractTying(abc.ABC):
    """A way to tie."""

    @abc.abstractmethod
    def build(self) -> "Tie":
        """From two kernels to a tie."""


@dataclasses.dataclass(frozen=True)
class FullyTied(AbstractTying):
    """Each other's transpose."""

    def build(self) -> "Tie":
        from vestige.models.tied import full

        return full


@dataclasses.dataclass(frozen=True)
class NotTied(AbstractTying):
    """Two networks."""

    alike: bool = False
    """Whether they begin as each other's transpose."""

    def build(self) -> "Tie":
        from vestige.models.tied import begun_tied, untied

        return begun_tied if self.alike else untied


@dataclasses.dataclass(frozen=True)
class TiedByScale(AbstractTying):
    """Each other's transpose up to a learned factor for each upper unit."""

    def build(self) -> "Tie":
        from vestige.models.tied import scaled

        return scaled


@dataclasses.dataclass(frozen=True)
class SoftlyTied(AbstractTying):
    """Two networks that are drawn together."""

    strength: float = 1e-3
    """Weight of the squared difference, in nats."""

    def __post_init__(self):
        at_least(self, 0, "strength")

    def build(self) -> "Tie":
        from vestige.models.tied import Softly

        return Softly(self.strength)


Tying = FullyTied | NotTied | TiedByScale | SoftlyTied

TIES: Mapping[str, Tying] = {
    "full": FullyTied(),
    "none": NotTied(),
    "init-only": NotTied(alike=True),
    "scaled": TiedByScale(),
    "soft": SoftlyTied(),
}
"""What `--tie NAME` stands for."""
