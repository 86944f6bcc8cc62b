"""What some kinds of experiment can do beside being run, each the matter of one command.

A kind that can do it extends the class; the command refuses the others, see
[`able`][vestige.experiments.catalogue.able].
"""

import abc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

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


class Rival(NamedTuple):
    """One of the models that are timed side by side."""

    name: str
    built: Built
    unrolled: Any
    """The same model with its loops written out: the compiler counts the body of a loop only once."""


class AbstractTimed(AbstractOptions):
    """Its updates can be timed, on noise where its data are not here: `vestige bench`."""

    varied: ClassVar[str]
    """What the rivals differ in: the heading above their names."""

    @abc.abstractmethod
    def rehearsal(self, *, seed: int) -> Built:
        """As `build`, with noise of the same shape in place of data that are missing."""

    @abc.abstractmethod
    def rivals(self, *, seed: int) -> Iterator[Rival]:
        """The models to be timed side by side, made one at a time."""
