"""A task: images, and then the last of them again, backward."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

import vestige
from vestige.tasks import Example, ImagePool
from vestige.tasks.appended import AbstractAppended
from vestige.tasks.frame_specs import AbstractRecallSpec
from vestige.tasks.tally import Tally
from vestige.typing import Batch


class ReversedRecall(AbstractAppended):
    """`l` images, then the last `k` of them again, the newest first."""

    train: ImagePool
    test: ImagePool
    l: int = eqx.field(static=True)
    k: int = eqx.field(static=True)

    @property
    def given(self) -> int:
        """The images that come first."""
        return self.l

    def sequence(self, source, *, key):
        frames = source.draw(self.l, key=key)
        frames = jnp.concatenate([frames, frames[::-1][: self.k]])
        return Example(Batch(frames), jnp.arange(self.frames) >= self.l, {})

    def sequence_metrics(self, model, example, kl, *, key):
        return {"kl_turn": Tally(kl[self.l], jnp.ones_like(kl[self.l]))}  # explained in kl_turn.py

    def bounds(self, metrics) -> dict[str, Any]:
        return {"kl_recall": {"best": 0.0, "chance": float(metrics["kl_fresh"])}}


@dataclasses.dataclass(frozen=True)
class ReversedRecallSpec(AbstractRecallSpec):
    """l images, then the last k again, the newest first."""

    part: ClassVar[str] = "vestige_extra.reversed_recall:ReversedRecall"


vestige.register("task", "reversed-recall", ReversedRecallSpec)
