"""The room of two colours, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import at_least
from vestige.spec import load
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.tasks.twocolors.episodes import ColorEpisodes
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class TwoColorsSpec(TaskSpec):
    """Recorded episodes of a game in which a pillar's colour at the start says which orbs are good."""

    episodes: int = 256
    """Recorded of a random policy, to train on."""
    held_out: int = 64
    """Recorded likewise, to evaluate on."""
    skip: int = 4
    """Tics of the game per step."""
    tics: int = 2100
    """Most tics of an episode."""

    part: ClassVar[str] = "vestige.tasks.twocolors.collect:record"
    provides: ClassVar[frozenset[str]] = frozenset({"recorded game"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "episodes", "held_out", "skip", "tics")

    @property
    def metric(self) -> str:
        return "mse"

    def summary(self) -> dict[str, str]:
        return {"episodes": f"{self.episodes:,}"}

    def build(self, *, seed: int) -> "ColorEpisodes":
        """The task. The episodes are recorded first, those to train on and the others from seeds of their own.

        **Raises:** `UsageError` where the game is not installed.
        """
        import numpy as np

        train, held_out = np.random.SeedSequence(seed).spawn(2)

        def recorded(episodes: int, seed: np.random.SeedSequence) -> Any:
            return load(self.part)(episodes, seed=seed, skip=self.skip, tics=self.tics)

        return _on_device(recorded(self.episodes, train), recorded(self.held_out, held_out))

    def dummy_build(self, *, key: "Key") -> "ColorEpisodes":
        """As `build`, with a few episodes of noise in place of recordings: batches have the same shape."""
        from vestige.tasks.twocolors.dummy_data import noise

        recorded = noise(skip=self.skip, tics=self.tics, key=key)
        return _on_device(recorded, recorded)


def _on_device(train: Any, held_out: Any) -> "ColorEpisodes":
    import jax
    import jax.numpy as jnp

    from vestige.tasks.twocolors.episodes import ColorEpisodes

    return ColorEpisodes(*(jax.tree.map(jnp.asarray, recorded) for recorded in (train, held_out)))
