"""What some kinds of experiment can do beside being run, each the matter of one command.

A kind that can do it extends the class; the command refuses the others, see
[`able`][vestige.experiments.catalogue.able].
"""

import abc
import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.contract import AbstractOptions, Built

if TYPE_CHECKING:
    import numpy as np


class AbstractGenerative(AbstractOptions):
    """Its models imagine sequences of images: `vestige sample`."""

    @abc.abstractmethod
    def imagine(
        self, built: Built, model: Any, *, count: int, frames: int | None, given: int, seed: int
    ) -> "np.ndarray":
        """`count` sequences of `frames` mean frames, `(count, frames, height, width)` in [0, 1]; as long as in
        training where `frames` is None. The first `given` of each are held-out images as they are.

        **Raises:** `UsageError` where no sequence has that many to give.
        """


class AbstractTimed(AbstractOptions):
    """Its updates can be timed, on noise where its data are not here: `vestige bench`."""

    varied: ClassVar[str]
    """What the rivals differ in, one of `choices`: the heading above their names."""

    @abc.abstractmethod
    def rehearsal(self, *, seed: int) -> Built:
        """As `build`, with noise of the same shape in place of data that are missing."""

    @abc.abstractmethod
    def unrolled(self, built: Built) -> Any:
        """The model of `built` with its loops over time written out, where it can do that: arithmetic is counted on it,
        since the compiler counts the body of a loop only once. Where loops are left, none is."""

    @abc.abstractmethod
    def cycle(self, built: Built) -> int:
        """How many updates make a fair sample: where the first on a batch costs more than those that follow, all of
        them together."""

    def rivals(self) -> "dict[str, AbstractTimed]":
        """The options to be timed side by side, by name."""
        named = self.choices[self.varied]
        return {name: dataclasses.replace(self, **{self.varied: chosen}) for name, chosen in named.items()}


class AbstractTaught(AbstractTimed):
    """Its rivals are learning rules, on the model as it is."""

    varied: ClassVar[str] = "rule"

    def unrolled(self, built: Built) -> Any:
        return built.model
