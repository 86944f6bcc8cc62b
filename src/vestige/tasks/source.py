"""Where the frames of a task come from."""

import abc

import equinox as eqx


class AbstractSource(eqx.Module):
    """Material for sequences; a task has one to train on and one held out."""

    @property
    @abc.abstractmethod
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame."""

    @property
    @abc.abstractmethod
    def size(self) -> int | None:
        """How much of it there is; None where it never ends."""

    @abc.abstractmethod
    def first(self, count: int | None) -> "AbstractSource":
        """The beginning of this source.

        **Arguments:**

        - `count`: at most how much of it, in units of `size`; None: all.

        **Returns:** a source of the same kind.
        """
